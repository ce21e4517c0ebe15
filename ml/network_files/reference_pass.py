"""Reference implementation of inference in plain numpy: what an old network file said under Keras 2.

It is the "before" of a conversion (`ml.network_files.conversion`), from the file's own weights and
wiring, sharing no code with Keras: slow, float32 with no tricks, inference only.

What it finds that nothing else does: a file of Keras 2 that Keras 3 loads without a word and computes
otherwise. `hard_sigmoid` is such a case: Keras 2 has clip(0.2 x + 0.5, 0, 1), Keras 3 has
clip(x / 6 + 0.5, 0, 1). The scan allows it, both write the same name, and a stranger's file brings no
known outputs (its owner's reference image is a choice), so the portal would serve other probabilities
than the network was trained to give. The old files among the tests can't stand in for this: their
outputs are known, but only for the layers that they hold.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.network_files.config_scan import IDLE
from ml.network_files.errors import UnsafeModelError
from ml.network_files.layer_shapes import pad_pairs, pair
from ml.network_files.plan import NetworkPlan
from ml.network_files.stored_weights import Weights

Values = NDArray[np.float32]
_ACTIVATIONS = frozenset({"ReLU", "LeakyReLU", "ELU", "Softmax", "PReLU", "Activation"})


def check_computed(plan: NetworkPlan) -> None:
    """Refuse, before anything is computed, a plan with a layer or activation that this module lacks.

    Raises UnsafeModelError `layer_not_supported`.
    """
    for step in plan.steps:
        known = IDLE | _ACTIVATIONS | _MERGES.keys() | _LAYERS.keys()
        if step.kind not in known:
            raise _refuse_layer(step.kind)
        name = step.config.get("activation")
        if name:
            _find(name)
        if step.kind in ("Resizing", "UpSampling2D"):
            _check_interpolation(step.config, "nearest")


def _refuse_layer(kind: str) -> UnsafeModelError:
    return UnsafeModelError("layer_not_supported", f"Expected a known layer, received {kind!r:.60}.")


def run_reference(plan: NetworkPlan, weights: Weights, images: Values) -> Values:
    """Return the network's output for `images`, float32 (n, height, width, 3) as it takes them.

    Raises UnsafeModelError `layer_not_supported` for a layer this module does not compute.
    """
    values: list[Values | None] = [images]
    last_use = {source: i for i, step in enumerate(plan.steps) for source in step.sources}
    for i, step in enumerate(plan.steps):
        inputs = [values[source] for source in step.sources]
        held = [one for one in inputs if one is not None]
        values.append(_run_layer(step.kind, step.config, weights.get(step.layer, []), held))
        for source in step.sources:
            if last_use[source] == i and source != plan.output:
                values[source] = None
    result = values[plan.output]
    if result is None:
        raise UnsafeModelError("graph_not_supported", "Expected an output that is computed.")
    return result


def _run_layer(kind: str, config: dict[str, Any], weights: list[Values], inputs: list[Values]) -> Values:
    if kind in IDLE:
        return inputs[0]
    if kind in _MERGES:
        return _MERGES[kind](inputs, config)
    if kind in _ACTIVATIONS:
        return activate(kind, config, weights, inputs[0])
    run = _LAYERS.get(kind)
    if run is None:
        raise _refuse_layer(kind)
    made = run(inputs[0], config, weights).astype(np.float32)
    return activate("Activation", config, [], made) if config.get("activation") else made


def _windows(x: Values, size: tuple[int, int], config: dict[str, Any], fill: float) -> Values:
    """Return (n, rows, columns, channels, window height, window width), padded as Keras pads."""
    spread = pair(config.get("dilation_rate", 1))
    wanted = config.get("strides", 1)
    steps = pair(size if wanted is None else wanted)
    reach = [(window - 1) * wide + 1 for window, wide in zip(size, spread, strict=True)]
    if config.get("padding", "valid") == "same":
        pads = [
            max((math.ceil(side / step) - 1) * step + far - side, 0)
            for side, step, far in zip(x.shape[1:3], steps, reach, strict=True)
        ]
        rows, columns = ((pad // 2, pad - pad // 2) for pad in pads)
        x = np.pad(x, ((0, 0), rows, columns, (0, 0)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    return view[:, :: steps[0], :: steps[1], :, :: spread[0], :: spread[1]]


def _convolve(x: Values, config: dict[str, Any], weights: list[Values]) -> Values:
    kernel = weights[0]
    groups = config.get("groups", 1)
    parts = [
        np.tensordot(_windows(one, pair(config["kernel_size"]), config, 0.0), part, ((3, 4, 5), (2, 0, 1)))
        for one, part in zip(np.split(x, groups, axis=3), np.split(kernel, groups, axis=3), strict=True)
    ]
    return _add_bias(np.concatenate(parts, axis=-1), weights[1:])


def _convolve_depth(x: Values, config: dict[str, Any], weights: list[Values]) -> Values:
    windows = _windows(x, pair(config["kernel_size"]), config, 0.0)
    made = np.einsum("nhwcij,ijcm->nhwcm", windows, weights[0])
    return _add_bias(made.reshape(*made.shape[:3], -1), weights[1:])


def _convolve_apart(x: Values, config: dict[str, Any], weights: list[Values]) -> Values:
    made = _convolve_depth(x, config, weights[:1])
    return _add_bias(np.tensordot(made, weights[1][0, 0], 1), weights[2:])


def _add_bias(x: Values, rest: list[Values]) -> Values:
    return x + rest[0] if rest else x


def _normalize_batch(x: Values, config: dict[str, Any], weights: list[Values]) -> Values:
    rest = list(weights)
    gamma = rest.pop(0) if config.get("scale", True) else np.float32(1)
    beta = rest.pop(0) if config.get("center", True) else np.float32(0)
    mean, variance = rest
    made = (x - mean) / np.sqrt(variance + np.float32(config.get("epsilon", 1e-3))) * gamma + beta
    return np.asarray(made, np.float32)


def _normalize_layer(x: Values, config: dict[str, Any], weights: list[Values]) -> Values:
    rest = list(weights)
    made = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + config.get("epsilon", 1e-3))
    made = made * rest.pop(0) if config.get("scale", True) else made
    return np.asarray(made + rest.pop(0) if config.get("center", True) else made, np.float32)


def _normalize_input(x: Values, config: dict[str, Any], weights: list[Values]) -> Values:
    given = config.get("mean") is not None
    mean, variance = (config["mean"], config["variance"]) if given else weights[:2]
    deviation = np.maximum(np.sqrt(np.asarray(variance, np.float32)), np.float32(1e-7))
    if config.get("invert"):
        return np.asarray(x * deviation + np.asarray(mean, np.float32), np.float32)
    made = (x - np.asarray(mean, np.float32)) / deviation
    return np.asarray(made, np.float32)


def _pool_mean(x: Values, config: dict[str, Any], _: list[Values]) -> Values:
    windows = _windows(x, pair(config.get("pool_size", 2)), {"strides": None, **config}, np.nan)
    return np.asarray(np.nanmean(windows, axis=(4, 5)), np.float32)


def _pool_max(x: Values, config: dict[str, Any], _: list[Values]) -> Values:
    windows = _windows(x, pair(config.get("pool_size", 2)), {"strides": None, **config}, -np.inf)
    result: Values = windows.max(axis=(4, 5))
    return result


def _pad(x: Values, config: dict[str, Any], _: list[Values]) -> Values:
    return np.pad(x, ((0, 0), *pad_pairs(config.get("padding", 1)), (0, 0)))


def _crop(x: Values, config: dict[str, Any], _: list[Values]) -> Values:
    (top, bottom), (left, right) = pad_pairs(config.get("cropping", 0))
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def _crop_centre(x: Values, config: dict[str, Any], _: list[Values]) -> Values:
    height, width = config["height"], config["width"]
    top, left = (x.shape[1] - height) // 2, (x.shape[2] - width) // 2
    if min(top, left) < 0:
        return _resize_whole(x, (height, width), "bilinear")
    return x[:, top : top + height, left : left + width]


def _crop_at_inference(x: Values, config: dict[str, Any], _: list[Values]) -> Values:
    """Of RandomCrop: what of the middle has the wanted proportions, resized."""
    return _resize_whole(x, (config["height"], config["width"]), "bilinear")


def _resize_whole(x: Values, size: tuple[int, int], name: str) -> Values:
    """Crop the middle to the proportions of `size`, (height, width), then resize, as `smart_resize` does."""
    height = min(x.shape[1], int(x.shape[2] * size[0] / size[1]))
    width = min(x.shape[2], int(x.shape[1] * size[1] / size[0]))
    top, left = int((x.shape[1] - height) / 2), int((x.shape[2] - width) / 2)
    return _resample(x[:, top : top + height, left : left + width], size, name)


def _enlarge(x: Values, config: dict[str, Any], _: list[Values]) -> Values:
    rows, columns = pair(config.get("size", 2))
    return _resample(x, (x.shape[1] * rows, x.shape[2] * columns), _check_interpolation(config, "nearest"))


def _resize(x: Values, config: dict[str, Any], _: list[Values]) -> Values:
    size, name = (config["height"], config["width"]), _check_interpolation(config)
    return (_resize_whole if config.get("crop_to_aspect_ratio") else _resample)(x, size, name)


def _check_interpolation(config: dict[str, Any], usual: str = "bilinear") -> str:
    """Return the name of what is computed: without antialiasing and without borders."""
    name = str(config.get("interpolation", usual)).lower()
    ways = ("antialias", "pad_to_aspect_ratio")
    if name not in ("nearest", "bilinear", "bicubic") or any(config.get(key) for key in ways):
        raise UnsafeModelError(
            "layer_not_supported",
            f"Expected a plain nearest, bilinear or bicubic resizing, received {name!r:.60} of another kind.",
        )
    return name


def _resample(x: Values, size: tuple[int, int], name: str) -> Values:
    down, across = (_draw_weights(old, new, name) for old, new in zip(x.shape[1:3], size, strict=True))
    made = np.einsum("ih,nhwc->niwc", down, x)
    return np.asarray(np.einsum("jw,niwc->nijc", across, made), np.float32)


def _draw_weights(old: int, new: int, name: str) -> Values:
    """The share of each of `old` pixels in each of `new`, as TensorFlow 2 takes them: by pixel centres."""
    places = (np.arange(new) + 0.5) * (old / new)
    if name == "nearest":
        picked: Values = np.eye(old, dtype=np.float32)[np.minimum(places.astype(int), old - 1)]
        return picked
    reach = 1 if name == "bilinear" else 2
    first = np.floor(places - 0.5).astype(int)
    weights = np.zeros((new, old), np.float64)
    for step in range(1 - reach, 1 + reach):
        at = first + step
        share = _weigh(np.abs(places - 0.5 - at), name)
        # Beyond the edge the last pixel counts again, but for bicubic, which leaves it out.
        inside = np.clip(at, 0, old - 1)
        share = np.where(at == inside, share, 0.0 if name == "bicubic" else share)
        np.add.at(weights, (np.arange(new), inside), share)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)


def _weigh(distance: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Triangle, or Keys's cubic with a = -0.5."""
    if name == "bilinear":
        return np.maximum(1 - distance, 0)
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))


def _rescale(x: Values, config: dict[str, Any], _: list[Values]) -> Values:
    return x * np.asarray(config["scale"], np.float32) + np.asarray(config.get("offset", 0.0), np.float32)


def _reshape(x: Values, config: dict[str, Any], _: list[Values]) -> Values:
    return x.reshape(len(x), *config["target_shape"])


def _dense(x: Values, config: dict[str, Any], weights: list[Values]) -> Values:  # noqa: ARG001
    return _add_bias(np.tensordot(x, weights[0], 1), weights[1:])


def _multiply(inputs: list[Values]) -> Values:
    made = inputs[0]
    for one in inputs[1:]:
        made = made * one
    return made


def _join(inputs: list[Values], config: dict[str, Any]) -> Values:
    return np.concatenate(inputs, axis=config.get("axis", -1))


_MERGES: dict[str, Callable[[list[Values], dict[str, Any]], Values]] = {
    "Add": lambda inputs, _: sum(inputs[1:], inputs[0]),
    "Subtract": lambda inputs, _: inputs[0] - inputs[1],
    "Multiply": lambda inputs, _: _multiply(inputs),
    "CustomScaleLayer": lambda inputs, config: inputs[0] + inputs[1] * np.float32(config["scale"]),
    "Average": lambda inputs, _: sum(inputs[1:], inputs[0]) / np.float32(len(inputs)),
    "Maximum": lambda inputs, _: np.maximum.reduce(inputs),
    "Minimum": lambda inputs, _: np.minimum.reduce(inputs),
    "Concatenate": _join,
}
_LAYERS: dict[str, Callable[[Values, dict[str, Any], list[Values]], Values]] = {
    "Conv2D": _convolve,
    "DepthwiseConv2D": _convolve_depth,
    "SeparableConv2D": _convolve_apart,
    "BatchNormalization": _normalize_batch,
    "LayerNormalization": _normalize_layer,
    "Normalization": _normalize_input,
    "AveragePooling2D": _pool_mean,
    "MaxPooling2D": _pool_max,
    "GlobalAveragePooling2D": lambda x, config, _: x.mean((1, 2), keepdims=bool(config.get("keepdims"))),
    "GlobalMaxPooling2D": lambda x, config, _: x.max((1, 2), keepdims=bool(config.get("keepdims"))),
    "ZeroPadding2D": _pad,
    "Cropping2D": _crop,
    "CenterCrop": _crop_centre,
    "RandomCrop": _crop_at_inference,
    "UpSampling2D": _enlarge,
    "Resizing": _resize,
    "Rescaling": _rescale,
    "Reshape": _reshape,
    "Flatten": lambda x, _, __: x.reshape(len(x), -1),
    "Dense": _dense,
}


# --- Activations


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
    "hard_sigmoid": lambda x: np.clip(np.float32(0.2) * x + np.float32(0.5), 0, 1),  # as in Keras 2 alone
    "tanh": np.tanh,
    "softmax": _softmax,
    "softplus": lambda x: np.logaddexp(x, 0),
}
