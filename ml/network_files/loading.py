"""Safe loading: the only way a network file becomes a network."""

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.digests import digest_bytes
from ml.network_files.config_scan import LAYERS, MODELS
from ml.network_files.errors import UnsafeModelError
from ml.network_files.model_file import read_model_file
from ml.network_files.scan import BROKEN, scan_file

if TYPE_CHECKING:
    import keras

__all__ = ["UnsafeModelError", "load_network", "run_once"]


def load_network(
    path: str | os.PathLike[str], *, sha256: str, input_size: tuple[int, int] | None = None
) -> "keras.Model":
    """Load the legacy-HDF5 network at `path`, uncompiled, once it is known to be harmless.

    In this order: the file is read once and its SHA-256 must be `sha256`; the HDF5 tree must
    hold only numbers stored in the file (`ml.network_files.hdf5_scan`); the architecture may name only allowed
    layers (`ml.network_files.config_scan`), stay within the limits of `ml.network_files.limits` at `input_size`
    (height, width, where the file leaves it open) and find its weights; then Keras builds it in
    safe mode from a private copy of the very bytes that were checked, so that the file cannot be
    exchanged in between. A network of mixed precision computes in float32, as every other does: the
    weights are stored so, and a processor gains nothing by half of it.

    Raises UnsafeModelError with a code: `sha256_mismatch`, those of
    `ml.network_files.model_file.read_model_file` and of the scans, or `not_buildable`.
    """
    data = read_model_file(path)
    received = digest_bytes(data)
    if received != sha256:
        raise UnsafeModelError(
            "sha256_mismatch", f"Expected the registered SHA-256 {sha256}, received {received}."
        )
    with tempfile.TemporaryDirectory(prefix="dermaport-network-") as folder:
        copy = Path(folder) / "network.h5"
        copy.write_bytes(data)
        scanned = scan_file(copy, input_size)
        if scanned.config != (plain := use_float32(scanned.config)):
            _write_config(copy, plain)
        return _build_network(copy)


def run_once(network: "keras.Model", inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a network's outputs, (n, columns), of `inputs`, (n, height, width, 3), without compiling it.

    Raises UnsafeModelError `not_runnable`: a network may be built and still not fit together.
    """
    try:
        return np.asarray(network(inputs, training=False))
    except Exception as error:  # each backend raises errors of its own
        raise UnsafeModelError(
            "not_runnable", f"Expected a network that takes a picture, received: {error!s:.200}."
        ) from error


def use_float32(value: Any) -> Any:
    """Return an architecture, JSON, whose layers compute in float32 instead of half or mixed precision."""
    if isinstance(value, list):
        return [use_float32(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "float32" if key == "dtype" and _is_half(one) else use_float32(one) for key, one in value.items()
    }


def _is_half(policy: Any) -> bool:
    inner = policy.get("config") if isinstance(policy, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else policy
    return isinstance(name, str) and name.removeprefix("mixed_") in ("float16", "bfloat16")


def _write_config(copy: Path, config: dict[str, Any]) -> None:
    import h5py

    with h5py.File(copy, mode="r+") as root:
        root.attrs["model_config"] = json.dumps(config)


def find_own_layers() -> dict[str, type]:
    """Return the one layer that Keras uses in its own networks and does not list."""
    from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

    return {"CustomScaleLayer": CustomScaleLayer}


def _build_network(path: Path) -> "keras.Model":
    import keras

    try:
        network = keras.saving.load_model(
            path, compile=False, safe_mode=True, custom_objects=find_own_layers()
        )
    except (*BROKEN, NotImplementedError) as error:
        raise UnsafeModelError(
            "not_buildable", f"Expected a network Keras {keras.__version__} reads: {error}."
        ) from error
    for layer in _walk_layers(network):
        kind = type(layer)
        if kind.__name__ not in LAYERS | MODELS or not kind.__module__.startswith("keras."):
            raise UnsafeModelError(
                "layer_not_allowed", f"Expected a layer of the allow-list, built {kind.__name__}."
            )
    return network


def _walk_layers(network: "keras.Model") -> "list[keras.layers.Layer]":
    found = []
    waiting = [network]
    while waiting:
        layer = waiting.pop()
        found.append(layer)
        waiting.extend(getattr(layer, "layers", []))
    return found
