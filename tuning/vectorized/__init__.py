"""Many trials in one program: networks of one shape, their weights stacked."""
