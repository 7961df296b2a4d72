"""The book's figures measured again: runs, results, tables, ensembles."""
