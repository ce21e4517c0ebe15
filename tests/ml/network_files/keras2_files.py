"""Files as Keras 2 wrote them, put together here: an architecture in its words and weights beside it."""

import json
from pathlib import Path

import h5py
import numpy as np

from ml.network_files.conversion import Conversion
from ml.network_files.conversion_process import convert


def write_keras2(path: Path, layers, size=(12, 12), version="2.15.0") -> Path:
    """A Sequential of `layers`, each (class name, configuration, weights)."""
    entries = [
        {
            "class_name": "InputLayer",
            "config": {"batch_input_shape": [None, *size, 3], "dtype": "float32", "name": "image"},
        }
    ]
    with h5py.File(path, "w") as root:
        group, names = root.create_group("model_weights"), []
        for number, (kind, config, weights) in enumerate(layers):
            name = config.get("name", f"{kind.lower()}_{number}")
            full = {"name": name, "trainable": True, "dtype": "float32", **config}
            entries.append({"class_name": kind, "config": full})
            names.append(name)
            inner = group.create_group(name)
            keys = [f"{name}/weight{place}:0" for place in range(len(weights))]
            inner.attrs["weight_names"] = np.array(keys, "S") if keys else np.array([], "S1")
            for key, weight in zip(keys, weights, strict=True):
                inner.create_dataset(key, data=np.asarray(weight, "f4"))
        group.attrs["layer_names"] = np.array(names, "S")
        root.attrs["keras_version"] = version
        root.attrs["backend"] = "tensorflow"
        config = {"name": "sequential", "layers": entries}
        root.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config})
    return path


def conv(filters=4, channels=3, name="conv", seed=0, **config):
    kernel = np.random.default_rng(seed).normal(0, 0.3, (3, 3, channels, filters))
    settings = {"filters": filters, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same"}
    more = {"use_bias": True, "activation": "relu", "name": name, **config}
    return "Conv2D", {**settings, **more}, [kernel, np.zeros(filters)]


def pool():
    return "GlobalAveragePooling2D", {"name": "pool"}, []


def dense(units=1, inputs=4, activation="sigmoid", name="dense", seed=1, **config):
    kernel = np.random.default_rng(seed).normal(0, 1, (inputs, units))
    settings = {"units": units, "activation": activation, "use_bias": True, "name": name, **config}
    return "Dense", settings, [kernel, np.zeros(units)]


def convert_here(folder: Path):
    """A stand-in for `convert_network` that runs its other process's work in this one."""

    def run(data, *, input_size=None, scaling="unit"):
        place = folder / f"conversion-{len(list(folder.iterdir()))}"
        place.mkdir()
        (place / "old.h5").write_bytes(data)
        said = convert(place, input_size, scaling)
        made = (place / "new.h5").read_bytes()
        return Conversion(
            made, "0" * 64, said["difference"], said["images"], said["keras_version"], said["outputs"]
        )

    return run
