"""What pyproject.toml cannot say: saved_models/ goes into the wheel as zoo/saved_models."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["zoo*", "tuning*"]), "zoo.saved_models"],
    package_dir={"zoo.saved_models": "saved_models"},
    package_data={"zoo.saved_models": ["manifest.json", "*/weights.safetensors", "*/README.md"]},
)
