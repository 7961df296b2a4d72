"""What every room of the project stands on: whole files, and TensorFlow imported quietly."""
