"""What answers people and programs: the page to draw a digit on, and the model server."""
