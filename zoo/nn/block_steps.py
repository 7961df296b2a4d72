"""The training steps that loop over a block of mini-batches, one for each backend that can."""

from __future__ import annotations

import keras

from zoo.nn.regularizers import closed_form_gradients


def is_block(images) -> bool:
    """Whether images come as a block: [batches, images, height, width, channels]."""
    return len(images.shape) == 5


def has_devices(model: keras.Model) -> bool:
    """Whether a strategy of Keras shares the training of a model among devices."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        replicas = model.distribute_strategy.num_replicas_in_sync
        return replicas > 1 or tf.distribute.has_strategy()
    return keras.backend.backend() == "jax" and keras.distribution.distribution() is not None


class _TensorFlowBlockModel(keras.Model):
    def train_step(self, data):
        import tensorflow as tf

        images, labels = data[0], data[1]
        if not is_block(images):
            return super().train_step(data)
        if self.program is None:
            answers = self._descend(images, labels)
        else:
            answers = tf.cond(
                self.program.takes(images),
                lambda: self.program.run(self._descend, images, labels),
                lambda: self._descend(images, labels),
            )
        # Nothing is in the loop but what learns: cost and accuracy wait for the end of the block.
        labels = tf.reshape(labels, [-1])
        self.metrics[0].update_state(self._cost(labels, answers), sample_weight=tf.size(labels))
        return self.compute_metrics(None, labels, answers)

    def _descend(self, images, labels, count=None, forward=None):
        """Take a step for each of the first `count` batches; their outputs, [images, 10]."""
        import tensorflow as tf

        size = tf.shape(images)[0]
        count = size if count is None else count
        forward = forward or (lambda index: self(images[index], training=True))

        def step(index, answers):
            with tf.GradientTape() as tape:
                answer = forward(index)
                cost = self.compute_loss(None, labels[index], answer, training=True)
                cost = self.optimizer.scale_loss(cost)
            weights = self.trainable_weights
            self.optimizer.apply(tape.gradient(cost, weights), weights)
            return index + 1, answers.write(index, answer)

        answers = tf.TensorArray(self.outputs[0].dtype, size=size)
        # Where functions run eagerly, Keras' custom gradients take no variables.
        by_formula = [] if tf.executing_eagerly() else self.trainable_weights
        with closed_form_gradients(by_formula):
            _, answers = tf.while_loop(lambda index, _: index < count, step, [0, answers])
        return answers.concat()

    def _cost(self, labels, answers):
        weights = self.trainable_weights
        penalties = [weight.regularizer(weight) for weight in weights if weight.regularizer]
        return keras.losses.get(self.loss)(labels, answers) + sum(penalties)


class _JaxBlockModel(keras.Model):
    def train_step(self, state, data):
        import jax

        if not is_block(data[0]):
            return super().train_step(state, data)
        one_batch = super().train_step

        def step(state, batch):
            logs, state = one_batch(state, batch)
            return state, logs

        state, logs = jax.lax.scan(step, state, (data[0], data[1]))
        # Metrics run through the whole epoch, so the last batch's stand for all.
        return {name: values[-1] for name, values in logs.items()}, state


def backend_model() -> type[keras.Model]:
    """The class of a model on Keras' backend: Keras' own where no step loops over a block."""
    models = {"tensorflow": _TensorFlowBlockModel, "jax": _JaxBlockModel}
    return models.get(keras.backend.backend(), keras.Model)
