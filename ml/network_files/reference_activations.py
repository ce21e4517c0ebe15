"""The activations of an allowed network, in plain numpy."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.network_files.errors import UnsafeModelError

Values = NDArray[np.float32]
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def activate(kind: str, config: dict[str, Any], weights: list[Values], x: Values) -> Values:
    """Return what the activation layer `kind` makes of `x`, as float32 of the same shape.

    `Activation` reads the name in `config["activation"]`, Keras 2's spelling of it included.
    Raises UnsafeModelError `layer_not_supported` for a name it does not know.
    """
    made: Any
    if kind == "ReLU":
        made = _relu(x, config)
    elif kind == "LeakyReLU":
        made = np.where(x >= 0, x, x * np.float32(config.get("negative_slope", config.get("alpha", 0.3))))
    elif kind == "PReLU":
        made = np.where(x >= 0, x, x * weights[0])
    elif kind == "ELU":
        made = np.where(x >= 0, x, np.float32(config.get("alpha", 1.0)) * np.expm1(np.minimum(x, 0)))
    elif kind == "Softmax":
        made = _softmax(x, config.get("axis", -1))
    else:
        made = _find(config["activation"])(x)
    return np.asarray(made, np.float32)


def _relu(x: Values, config: dict[str, Any]) -> Values:
    threshold = np.float32(config.get("threshold") or 0.0)
    slope = np.float32(config.get("negative_slope") or 0.0)
    made = np.where(x >= threshold, x, slope * (x - threshold))
    limit = config.get("max_value")
    return made if limit is None else np.minimum(made, np.float32(limit))


def _sigmoid(x: Values) -> Values:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)), np.float32)


def _softmax(x: Values, axis: int = -1) -> Values:
    shifted = np.exp(x - x.max(axis, keepdims=True))
    made: Values = shifted / shifted.sum(axis, keepdims=True)
    return made


def _gelu(x: Values) -> Values:
    error = np.vectorize(math.erf, otypes=[np.float32])
    return np.asarray(0.5 * x * (1 + error(x / math.sqrt(2))), np.float32)


def _selu(x: Values) -> Values:
    return np.asarray(_SELU_SCALE * np.where(x >= 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))), np.float32)


def _find(name: str) -> Callable[[Values], Values]:
    try:
        return _NAMED[name]
    except KeyError as error:
        raise UnsafeModelError(
            "layer_not_supported", f"Expected a known activation, received {name!r:.60}."
        ) from error


_NAMED: dict[str, Callable[[Values], Values]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x >= 0, x, 0.2 * x),
    "elu": lambda x: np.where(x >= 0, x, np.expm1(np.minimum(x, 0))),
    "selu": _selu,
    "gelu": _gelu,
    "silu": lambda x: x * _sigmoid(x),
    "swish": lambda x: x * _sigmoid(x),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "softmax": _softmax,
    "softplus": lambda x: np.logaddexp(x, 0),
}
