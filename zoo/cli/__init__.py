"""The command line, `python -m zoo`: each module has the parser and the action of some commands."""
