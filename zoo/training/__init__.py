"""A recipe and a data set become a trained network: fit, callbacks, and the folder of a run."""
