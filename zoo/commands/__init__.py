"""What each command of `python -m zoo` does: it asks the library, and prints the answer.

TensorFlow is imported only by the commands that need it, so that looking things up is instant.
"""
