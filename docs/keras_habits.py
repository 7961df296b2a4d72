"""Habits of Keras users, each run on a network of the zoo.

`python docs/keras_habits.py` writes keras_habits.md with what happened.
"""

from __future__ import annotations

import functools
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_suffix(".md")

HEAD = """\
# Habits of Keras users

A network of the zoo is a `keras.Model`. `python docs/keras_habits.py` runs each line below on
`model = zoo.build("linear", seed=1)`, with `x` the bytes [n, 28, 28, 1] of digits and `y` their
labels, and writes down what happened; a test repeats it.

Images are bytes, or floats in 0..1, which are converted to bytes: by 256 where all are multiples of
1/256 below 1, as the book has them, and else by 255. A network computes in the precision of its
recipe, with channels last, whatever Keras is set to.
"""

# By heading: lines of Python. The last expression of each is judged by `outcome`.
HABITS = {
    "Images": [
        "model.predict(x)",
        "model.predict(x / 255.0)",
        "model.predict((x / 256).astype('float32'))",
        "model.predict(x.astype('int32'))",
        "model.predict(x[..., 0])",
        "model.predict(x.reshape(len(x), 784))",
        "model.predict(x.transpose(0, 3, 1, 2))",
        "model.predict(tf.data.Dataset.from_tensor_slices(x / 255.0).batch(8))",
        "model(x / 255.0)",
        "model.predict_on_batch(x)",
        "model.predict(zoo.Split(x, y))",
        "(model.predict(x[0, ..., 0]) == model.predict(x[:1])).all()",
        "model.predict(x.astype('float32'))",
        "model.predict(x.astype('int32') - 1)",
        "model.predict(x / 127.5 - 1)",
        "model.predict(np.full((1, 28, 28, 1), np.nan))",
        "model.predict(x[:, :20])",
        "model.predict(x[:0])",
        "model(keras.Input((28, 28, 1)))",
    ],
    "Labels": [
        "model.fit(x, y)",
        "model.fit(x / 255.0, keras.utils.to_categorical(y, 10))",
        "model.fit(x, y.astype(float), validation_split=0.25)",
        "model.fit(zoo.Split(x, y), validation_data=zoo.Split(x, y))",
        "model.fit(tf.data.Dataset.from_tensor_slices((x / 255.0, y)).batch(8))",
        "model.fit(x, y, class_weight={0: 2.0, 1: 1.0})",
        "model.fit(x, y, sample_weight=np.linspace(0, 1, len(x)))",
        "model.compile('adam', 'categorical_crossentropy'); model.fit(x, np.eye(10)[y])",
        "model.fit(x)",
        "model.fit(x, y + 1)",
        "model.fit(x, np.eye(12)[y])",
        "model.fit(x, np.full((len(x), 10), 0.1))",
        "model.fit(tf.data.Dataset.from_tensor_slices((x, y + 1)).batch(8))",
    ],
    "Saving": [
        "model.save('m.keras'); keras.models.load_model('m.keras')",
        "model.save('m.h5'); keras.models.load_model('m.h5')",
        "model.save('m.h5'); keras.models.load_model('m.h5').fit(x, y)",
        "model.save('m.h5'); type(pickle.loads(pickle.dumps(model)).optimizer).__name__",
        "model.save_weights('m.weights.h5'); model.load_weights('m.weights.h5'); model",
        "pickle.loads(pickle.dumps(model))",
        "copy.deepcopy(model)",
        "new = keras.models.clone_model(model); new.set_weights(model.get_weights()); new",
        "new = keras.models.model_from_json(model.to_json())"
        "; new.set_weights(model.get_weights()); new",
        "model.fit(x, y, epochs=2, callbacks=[keras.callbacks.BackupAndRestore('backup')"
        ", keras.callbacks.EarlyStopping('loss')])",
        "model.export('exported', verbose=False)"
        "; new = tf.saved_model.load('exported'); new.serve(x)",
        "model.fit(x, y, callbacks=[keras.callbacks.ModelCheckpoint('{epoch}.keras')])"
        "; new = keras.models.load_model('1.keras')"
        "; all((a == b).all() for a, b in zip(new.get_weights(), model.get_weights()))",
    ],
    "What Keras is set to": [
        "keras.config.set_dtype_policy('mixed_float16'); zoo.build('linear', seed=1)",
        "keras.config.set_floatx('float64'); zoo.build('linear', seed=1).fit(x, y, verbose=0)",
        "keras.config.set_image_data_format('channels_first'); zoo.build('linear', seed=1)",
        "keras.utils.set_random_seed(1); one = zoo.build('linear').get_weights()"
        "; keras.utils.set_random_seed(1); two = zoo.build('linear').get_weights()"
        "; all((a == b).all() for a, b in zip(one, two))",
    ],
    "Mixed with the zoo": [
        "new = zoo.train('linear', data, epochs=1, progress=False).model; new.fit(x, y, verbose=0)",
        "model.evaluate(zoo.Split(x, y), verbose=0) == model.evaluate(x / 255, y, verbose=0)",
        "vote = zoo.vote([model, model, zoo.build('mlp30', seed=2)])"
        "; (vote.predict(x).argmax(1) == model.predict(x).argmax(1)).all()",
        "keras.Model(model.inputs, model.layers[-2].output).predict(x).shape",
    ],
}


def page() -> str:
    """Run every habit; the page that tells of them, in Markdown."""
    lines = [HEAD]
    for heading, habits in HABITS.items():
        lines += [f"## {heading}", "", "| Habit | What happens |", "| --- | --- |"]
        lines += [f"| {_code(habit)} | {outcome(habit)} |" for habit in habits]
        lines.append("")
    return "\n".join(lines)


def outcome(habit: str) -> str:
    """What happens when a line of Python is run in an empty folder."""
    import keras

    from zoo.errors import ZooError

    names = _names()
    expected = _expected()
    settings = keras.config.dtype_policy(), keras.config.floatx(), keras.config.image_data_format()
    before = Path.cwd()
    *steps, last = habit.replace(".predict(", ".predict(verbose=0, x=").split("; ")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UserWarning)
        os.chdir(folder)
        try:
            for step in steps:
                exec(step, names)
            said = _judged(eval(last, names), expected, names["x"])
        except ZooError as error:
            return f"refused: {error}"
        except Exception as error:
            line = str(error).strip().partition("\n")[0]
            return f"**fails**: {type(error).__name__}: {line}"
        finally:
            os.chdir(before)
            keras.config.set_dtype_policy(settings[0])
            keras.config.set_floatx(settings[1])
            keras.config.set_image_data_format(settings[2])
    own = [str(warning.message) for warning in warned if "Keras is set" in str(warning.message)]
    return "; a warning: ".join([said, *own[:1]])


def _names() -> dict[str, Any]:
    import copy
    import pickle

    import keras
    import numpy as np
    import tensorflow as tf

    import zoo

    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (16, 28, 28, 1), dtype=np.uint8)
    y = np.arange(16, dtype=np.int32) % 10
    split = zoo.Split(x, y)
    data = zoo.Data("noise", split, split, split)
    model = zoo.build("linear", seed=1)
    fit = model.fit
    model.fit = lambda *arguments, **options: fit(*arguments, **options, verbose=0)
    modules = {"copy": copy, "pickle": pickle, "keras": keras, "np": np, "tf": tf, "zoo": zoo}
    return {**modules, "x": x, "y": y, "data": data, "model": model}


@functools.cache
def _expected() -> Any:
    """What a new model answers to the images."""
    names = _names()
    return names["model"].predict(names["x"], verbose=0)


def _judged(value: Any, expected: Any, x: Any) -> str:
    import keras
    import numpy as np

    if isinstance(value, keras.callbacks.History):
        finite = all(np.isfinite(row).all() for row in value.history.values())
        return "trains" if finite else "trains to what is no number"
    if isinstance(value, keras.Model):
        same = np.allclose(value.predict(x, verbose=0), expected, atol=1e-6)
        compiled = "compiled" if value.compiled else "not compiled"
        return f"a model, {compiled}, with {'the same' if same else 'other'} answers"
    if hasattr(value, "shape") and tuple(value.shape) == expected.shape:
        same = np.allclose(np.asarray(value), expected, atol=1e-6)
        return "the answers to the bytes" if same else "other answers"
    return f"`{value!s}`"


def _code(habit: str) -> str:
    return "<br>".join(f"`{step}`" for step in habit.split("; "))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
