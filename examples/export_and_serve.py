"""A trained network as an ONNX file, and a program that serves it without Keras or TensorFlow.

python examples/export_and_serve.py
"""

from __future__ import annotations

import zoo


def serve(path: str, images) -> list[int]:
    """Read digits with ONNX Runtime alone.

    Args:
        path: The exported file.
        images: uint8 of shape [n, 28, 28, 1], 0 for white to 255 for black.

    Returns:
        One digit per image.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (digits,) = session.run(["digit"], {"images": images})
    return [int(digit) for digit in digits]


def main(images: int = 1000) -> float:
    """Export conv2_relu, serve the first test images, and return the share read correctly."""
    model = zoo.load("conv2_relu")
    path = zoo.export.export(model, "onnx", "exported", name="conv2_relu", overwrite=True)
    print(f"exported to {path}")

    test = zoo.load_data().test.take(images)
    digits = serve(str(path), test.images)
    right = sum(digit == label for digit, label in zip(digits, test.labels, strict=True))
    print(f"{right:,} of {images:,} digits read correctly")
    return right / images


if __name__ == "__main__":
    main()
