"""The book's own programs on Keras: the modules, calls and printed lines that the book shows.

    from zoo.book import mnist_loader, network
    training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
    net = network.Network([784, 30, 10])
    net.SGD(training_data, 30, 10, 3.0, test_data=test_data)    # Epoch 0: 9129 / 10000, or near

`python -m zoo book` opens a shell in which `import network` and the like work as printed. Weights
and biases are NumPy arrays, to be read, changed and kept; `net.spec` and `net.model` are the same
network as the zoo's declaration and as its Keras model.
"""
