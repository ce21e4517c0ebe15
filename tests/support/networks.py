"""A network nobody trained, for tests that need a real one of any kind."""

import hashlib
from pathlib import Path

from ml.serving.specification import ModelSpecification
from ml.training.architectures import find_architecture


def write_untrained_network(folder: Path, *, name: str = "untrained", seed: int = 1) -> ModelSpecification:
    """Write `<name>-1.h5` and its specification: the paper's second CNN as it was initialised."""
    import keras

    architecture = find_architecture("paper-cnn-2")
    keras.utils.set_random_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-1.h5"
    architecture.build(architecture.input_size).save(file)
    specification = ModelSpecification(
        name=name,
        version="1",
        file=file.name,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        architecture=architecture.name,
        parameters=architecture.parameters,
        input_height=architecture.input_size,
        input_width=architecture.input_size,
        scaling=architecture.scaling,
        classes=("benign", "malignant"),
        calibration={"method": "identity"},
        policy={"version": "1", "threshold": 0.5, "refer_low": 0.45, "refer_high": 0.55},
        licence="Apache-2.0",
    )
    specification.save(folder / f"{name}-1.json")
    return specification
