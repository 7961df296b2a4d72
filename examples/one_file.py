"""mlp30 in one file of plain Keras: the book's 784-30-10 network, trained as in chapter 5.

python examples/one_file.py    # 30 epochs: about 96.5 % of the test images

The zoo provides the images alone. `zoo.train("mlp30")` does the same in a fraction of the time.
"""

import keras

import zoo

ETA, LAMBDA, BATCH = 0.1, 5.0, 10


def cross_entropy(y, a):
    """C = -sum_j [y_j ln a_j + (1 - y_j) ln(1 - a_j)], eq. 63: 10 times Keras' mean over j."""
    return 10 * keras.losses.binary_crossentropy(y, a)


def dense(units, inputs, images):
    """Sigmoid neurons: weights N(0, 1/sqrt(inputs)), biases N(0, 1), and lambda/2n sum w^2."""
    return keras.layers.Dense(
        units,
        "sigmoid",
        kernel_initializer=keras.initializers.RandomNormal(stddev=inputs**-0.5),
        bias_initializer=keras.initializers.RandomNormal(stddev=1.0),
        kernel_regularizer=keras.regularizers.L2(LAMBDA / (2 * images)),
    )


def main(images=50_000, epochs=30, seed=0):
    """Train on the first images; return the accuracy of the best validation epoch on the test."""
    keras.utils.set_random_seed(seed)
    data = zoo.load_data().take(images)
    train, validation, test = (
        (split.images, keras.utils.to_categorical(split.labels))
        for split in (data.train, data.validation, data.test)
    )
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 256),
            keras.layers.Flatten(),
            dense(30, inputs=784, images=images),
            dense(10, inputs=30, images=images),
        ]
    )
    # 500 mini-batches a call of the compiled step: the same arithmetic, ten times as fast.
    sgd = keras.optimizers.SGD(ETA)
    model.compile(sgd, cross_entropy, metrics=["accuracy"], steps_per_execution=500)
    best = keras.callbacks.EarlyStopping("val_accuracy", patience=epochs, restore_best_weights=True)
    options = {"validation_data": validation, "callbacks": [best], "verbose": 2}
    model.fit(*train, BATCH, epochs, **options)
    return model.evaluate(*test, verbose=0)[1]


if __name__ == "__main__":
    print(f"{main():.2%} of the test images")
