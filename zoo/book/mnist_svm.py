"""mnist_svm.py of chapter 1: a support vector machine out of the box.

`python -m zoo.book.mnist_svm` prints how many of the 10,000 it names rightly, after some minutes.
"""

from __future__ import annotations

from zoo.book import mnist_loader
from zoo.utils.extras import import_extra

# scikit-learn's default of then, one over the inputs; today's depends on the pixels' variance.
GAMMA = 1 / 784


def svm_baseline() -> None:
    """Fit the machine to the 50,000 training images, and print its count on the test images."""
    SVC = import_extra("sklearn.svm").SVC
    training_data, _, test_data = mnist_loader.load_data()
    machine = SVC(gamma=GAMMA, cache_size=2000).fit(*training_data)
    images, digits = test_data
    right = int((machine.predict(images) == digits).sum())
    print("Baseline classifier using an SVM.")
    print(f"{right} of {len(digits)} values correct.")


if __name__ == "__main__":
    svm_baseline()
