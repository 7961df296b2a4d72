"""From a declaration to a compiled Keras model: losses, initial weights, dropout, voting."""
