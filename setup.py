"""What pyproject.toml cannot say: saved_models/ goes into the wheel as zoo/saved_models."""

from setuptools import find_namespace_packages, setup

# A folder of data is a package, too, since it could be imported; what exports write there is not.
models = find_namespace_packages("saved_models", exclude=["*.*"])

setup(
    packages=[
        *find_namespace_packages(include=["zoo*", "tuning*"], exclude=["*__pycache__*"]),
        "zoo.saved_models",
        *(f"zoo.saved_models.{name}" for name in models),
    ],
    package_dir={"zoo.saved_models": "saved_models"},
    package_data={"zoo.saved_models": ["manifest.json", "*/weights.safetensors", "*/README.md"]},
)
