"""The strategies of a search: which point of the space comes next; one file adds a strategy."""
