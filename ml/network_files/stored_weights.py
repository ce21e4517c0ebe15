"""Weights of a legacy HDF5 file, found by Keras 2's order, without Keras."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.network_files.config_scan import MODELS
from ml.network_files.errors import UnsafeModelError
from ml.network_files.limits import NetworkSize
from ml.network_files.plan import Layer, NetworkPlan

Weights = dict[int, list[NDArray[np.float32]]]
_MAX_NAMES = 20_000


def read_weights(root: Any, plan: NetworkPlan, size: NetworkSize) -> Weights:
    """Return each layer's arrays as float32, trained then statistics; raises as `match_weights`."""
    found: Weights = {
        number: [np.empty(0, np.float32)] * (len(trained) + len(statistics))
        for number, (trained, statistics) in size.weights.items()
    }
    for number, place, data in match_weights(root, plan, size):
        found[number][place] = np.asarray(data[()], dtype=np.float32)
    return found


def match_weights(root: Any, plan: NetworkPlan, size: NetworkSize) -> list[tuple[int, int, Any]]:
    """Return (layer number, place, data set) of each weight in the open `h5py.File` `root`.

    A layer of the outermost model has a group of its own; inside a nested model all trained
    weights come before all others, as Keras stores them. No number is read. Raises
    UnsafeModelError `weights_missing` or `weights_differ` where the file does not hold what the
    architecture needs.
    """
    if "model_weights" not in root:
        raise UnsafeModelError("weights_missing", "Expected weights in the file, received none.")
    group = root["model_weights"]
    names = [one for one in read_names(group, "layer_names") if _holds_weights(group, one)]
    owners = [layer for layer in plan.layers if _order_weights(layer, size)]
    if len(names) != len(owners):
        raise UnsafeModelError(
            "weights_missing", f"Expected weights of {len(owners)} layers, received those of {len(names)}."
        )
    matched: list[tuple[int, int, Any]] = []
    for layer, name in zip(owners, names, strict=True):
        stored = [group[name].get(one) for one in read_names(group[name], "weight_names")]
        places = _order_weights(layer, size)
        if [getattr(one, "shape", None) for one in stored] != [shape for _, _, shape in places]:
            raise UnsafeModelError(
                "weights_differ", f"Expected the weights of {layer.kind} {name!r:.60}, received others."
            )
        matched += [(number, place, data) for (number, place, _), data in zip(places, stored, strict=True)]
    return matched


def read_names(group: Any, key: str) -> list[str]:
    """Return the names under the attribute `key`, or its numbered pieces `key0`, `key1`, …."""
    pieces = [key] if key in group.attrs else []
    while f"{key}{len(pieces)}" in group.attrs and key not in group.attrs:
        pieces.append(f"{key}{len(pieces)}")
    names = [name for piece in pieces for name in np.atleast_1d(group.attrs[piece])][:_MAX_NAMES]
    return [name.decode("utf-8") if isinstance(name, bytes) else str(name) for name in names]


def _holds_weights(group: Any, name: str) -> bool:
    return name in group and bool(read_names(group[name], "weight_names"))


def _order_weights(layer: Layer, size: NetworkSize) -> list[tuple[int, int, tuple[int, ...]]]:
    trained, fixed = _split(layer, size)
    return trained + fixed


def _split(layer: Layer, size: NetworkSize) -> tuple[list[Any], list[Any]]:
    """Return (trained, others) as (layer number, place, shape), as `Layer.weights` orders them."""
    trainable = not isinstance(layer.config, dict) or layer.config.get("trainable", True)
    if layer.kind in MODELS:
        parts = [_split(part, size) for part in layer.parts]
        if not trainable:
            return [], [one for first, second in parts for one in first + second]
        return [one for first, _ in parts for one in first], [one for _, second in parts for one in second]
    first, second = size.weights.get(layer.number, ([], []))
    places = [(layer.number, place, shape) for place, shape in enumerate(first + second)]
    cut = len(first) if trainable else 0
    return places[:cut], places[cut:]
