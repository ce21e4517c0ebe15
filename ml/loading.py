"""The only way a network file becomes a network."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ml.config_scan import LAYERS, MODELS, check_config
from ml.digests import digest_bytes
from ml.hdf5_scan import check_signature, read_config_text, scan_tree
from ml.refusal import UnsafeModelError

if TYPE_CHECKING:
    import keras

__all__ = ["MAX_FILE_BYTES", "UnsafeModelError", "load_network"]

MAX_FILE_BYTES = 1024**3
_BROKEN = (OSError, RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError)


def load_network(path: str | os.PathLike[str], *, sha256: str) -> "keras.Model":
    """Load the legacy-HDF5 network at `path`, uncompiled, once it is known to be harmless.

    In this order: the file is read once and its SHA-256 must be `sha256`; the HDF5 tree must
    hold only numbers stored in the file (`ml.hdf5_scan`); the architecture may name only allowed
    layers (`ml.config_scan`); then Keras builds it in safe mode from a private copy of the very
    bytes that were checked, so that the file cannot be exchanged in between. Raises
    UnsafeModelError with a code: `file_missing`, `too_large`, `sha256_mismatch`, `not_hdf5`,
    `unreadable`, the codes of the two scans, or `not_buildable`.
    """
    data = _read_file(Path(path))
    received = digest_bytes(data)
    if received != sha256:
        raise UnsafeModelError(
            "sha256_mismatch", f"Expected the registered SHA-256 {sha256}, received {received}."
        )
    check_signature(data)
    with tempfile.TemporaryDirectory(prefix="dermaport-network-") as folder:
        copy = Path(folder) / "network.h5"
        copy.write_bytes(data)
        _scan_copy(copy)
        return _build_network(copy)


def _read_file(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise UnsafeModelError("too_large", f"Expected at most {MAX_FILE_BYTES} bytes, received {size}.")
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES)
    except OSError as error:
        raise UnsafeModelError(
            "file_missing",
            f"Expected a readable file {path.name}, received: {error.strerror or error}.",
        ) from error


def _scan_copy(path: Path) -> None:
    import h5py

    try:
        with h5py.File(path, mode="r") as root:
            scan_tree(root)
            check_config(read_config_text(root))
    except UnsafeModelError:
        raise
    except _BROKEN as error:
        raise UnsafeModelError("unreadable", f"Expected a whole HDF5 file, received: {error}.") from error


def _build_network(path: Path) -> "keras.Model":
    import keras

    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (*_BROKEN, NotImplementedError) as error:
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
