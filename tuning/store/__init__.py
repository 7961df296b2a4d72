"""The record of a search in a folder: journal, trials, results."""
