"""HDF5 scan: what a file may hold to be opened as a network; plain numbers, nothing from outside.

HDF5 lets a file name other files (external links, external storage, virtual data sets) and
load compiled filter plug-ins; Keras follows what the library follows. So the whole tree is
walked by link, and anything but groups and numeric data sets stored in the file is refused.
"""

import math
from typing import Any

from ml.network_files.errors import UnsafeModelError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_OBJECTS = 20_000
MAX_DEPTH = 32
MAX_CONTENT_BYTES = 2 * 1024**3
MAX_INFLATION = 200  # gzip makes at most about 1 in 1000; weights hardly shrink at all
MAX_CONFIG_BYTES = 8 * 1024**2
MAX_ATTRIBUTE_BYTES = 1024**2
MAX_ATTRIBUTES = 100
_FILTERS = frozenset({"gzip", "shuffle", "fletcher32"})


def scan_tree(root: Any) -> None:
    """Walk the open `h5py.File` `root`; raises UnsafeModelError at the first thing refused."""
    import h5py

    seen: set[int] = set()
    content = 0
    _check_attributes(root, "/")
    waiting: list[tuple[Any, str, int]] = [(root, "", 0)]
    while waiting:
        group, place, depth = waiting.pop()
        for name in group:
            path = f"{place}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise UnsafeModelError(
                    "link_not_allowed", f"Expected no soft or external link, received one at {path}."
                )
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > MAX_OBJECTS or depth >= MAX_DEPTH:
                raise UnsafeModelError(
                    "too_complex",
                    f"Expected at most {MAX_OBJECTS} objects {MAX_DEPTH} deep, received more.",
                )
            if isinstance(item, h5py.Group | h5py.Dataset):
                _check_attributes(item, path)
            if isinstance(item, h5py.Group):
                waiting.append((item, path, depth + 1))
            elif isinstance(item, h5py.Dataset):
                content += _check_dataset(item, path)
            else:
                raise UnsafeModelError(
                    "object_not_allowed",
                    f"Expected groups and data sets only, received {type(item).__name__} at {path}.",
                )
            if content > MAX_CONTENT_BYTES:
                raise UnsafeModelError(
                    "too_large",
                    f"Expected at most {MAX_CONTENT_BYTES} bytes of weights, received more.",
                )


def read_config_text(root: Any) -> str:
    """Return the `model_config` attribute of the open `h5py.File` as text."""
    import h5py

    if "model_config" not in root.attrs:
        raise UnsafeModelError(
            "config_missing",
            "Expected the network's architecture in the file, received weights alone.",
        )
    attribute = h5py.h5a.open(root.id, b"model_config")
    if attribute.shape != ():
        raise UnsafeModelError("config_malformed", f"Expected one text of at most {MAX_CONFIG_BYTES} bytes.")
    value = root.attrs["model_config"]
    text = value.decode("utf-8") if isinstance(value, bytes) else value
    if not isinstance(text, str) or len(text) > MAX_CONFIG_BYTES:
        raise UnsafeModelError("config_malformed", f"Expected one text of at most {MAX_CONFIG_BYTES} bytes.")
    return text


def _check_dataset(dataset: Any, path: str) -> int:
    """Return the logical size in bytes of a data set that may be read."""
    if dataset.is_virtual:
        raise UnsafeModelError("virtual_data", f"Expected stored data, received virtual at {path}.")
    if dataset.external:
        raise UnsafeModelError(
            "external_data", f"Expected data in the file, received data elsewhere at {path}."
        )
    if dataset.dtype.kind not in "fiub":
        raise UnsafeModelError("type_not_allowed", f"Expected numbers, received {dataset.dtype} at {path}.")
    unknown = sorted(set(dataset._filters) - _FILTERS)  # noqa: SLF001 the plain names h5py keeps
    if unknown:
        raise UnsafeModelError(
            "filter_not_allowed",
            f"Expected only the filters {', '.join(sorted(_FILTERS))}, received {unknown[0]} at {path}.",
        )
    size = int(dataset.size or 0) * int(dataset.dtype.itemsize)
    stored = int(dataset.id.get_storage_size())
    if size > 1024**2 and size > MAX_INFLATION * stored:
        raise UnsafeModelError(
            "inflating_data",
            f"Expected data stored in full, received {stored} bytes that become {size} at {path}.",
        )
    return size


def _check_attributes(item: Any, path: str) -> None:
    """Refuse attributes of unusual number or size before one is read."""
    import h5py

    count = h5py.h5a.get_num_attrs(item.id)
    if count > MAX_ATTRIBUTES:
        raise UnsafeModelError(
            "too_complex", f"Expected at most {MAX_ATTRIBUTES} attributes, received {count} at {path}."
        )
    for index in range(count):
        attribute = h5py.h5a.open(item.id, index=index)
        limit = MAX_CONFIG_BYTES if attribute.shape == () else MAX_ATTRIBUTE_BYTES
        if math.prod(attribute.shape or ()) * attribute.dtype.itemsize > limit:
            raise UnsafeModelError(
                "too_large", f"Expected attributes of at most {limit} bytes, received a larger one at {path}."
            )


def read_text_attribute(root: Any, name: str) -> str:
    """Return a short text attribute of `root`, "" when it is missing or something else."""
    value = root.attrs.get(name, "")
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return text[:40] if isinstance(text, str) else ""
