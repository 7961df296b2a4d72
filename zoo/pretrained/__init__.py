"""Trained weights: build, load and save models, the manifest, publishing and model cards."""
