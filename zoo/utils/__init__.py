"""What every package uses: files that appear complete or not at all, a quiet TensorFlow."""
