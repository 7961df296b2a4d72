"""Models behind a door: the model server, and the page to draw digits on."""
