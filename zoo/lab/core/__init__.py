"""The machinery of the lab: experiments, how they run, their report, monitors and style."""
