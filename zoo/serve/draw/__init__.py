"""The page to draw a digit on: every network answers inside the browser, and no server is needed.

    from zoo.serve.draw import write_page
    write_page("page")          # index.html and what it loads, to be opened by double click

`program` turns weights into what the page computes with, `digits` picks test images, `page` puts
the files together, `server` hands them to a browser from 127.0.0.1. `assets/` is the page itself:
`engine.js` computes, `preprocess.js` makes 28x28 of a drawing, `pad.js` is drawn on, the others
show. Importing this package imports neither Keras nor TensorFlow.
"""

from zoo.serve.draw.page import DEFAULT_NETWORKS, page_files, write_page
from zoo.serve.draw.server import PageServer

__all__ = ["DEFAULT_NETWORKS", "PageServer", "page_files", "write_page"]
