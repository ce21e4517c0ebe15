"""Shape inference: what each allowed layer makes of a shape and which weights it needs, without building it."""

import math
from collections.abc import Callable
from typing import Any

from ml.network_files.config_scan import IDLE
from ml.network_files.errors import UnsafeModelError

Shape = tuple[int, ...]
Measured = tuple[Shape, list[Shape], list[Shape]]

# Layers that leave the shape alone: they do nothing at inference or act on each number.
PLAIN = IDLE | {"Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Rescaling", "InputLayer"}
PLAIN |= {"AutoContrast", "Equalization", "Solarization"}
MERGES = frozenset({"Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract", "CustomScaleLayer"})


def measure_layer(kind: str, config: dict[str, Any], shapes: list[Shape]) -> Measured:
    """Return (output shape, shapes of trained weights, shapes of statistics) of one call.

    Shapes are without the batch, channels last; a convolution's kernel is (height, width, in /
    groups, out) as in Keras. Raises UnsafeModelError `shape_not_possible` or
    `layer_not_supported`.
    """
    if config.get("data_format") not in (None, "channels_last"):
        raise UnsafeModelError("layer_not_supported", f"Expected channels last, received another {kind}.")
    try:
        output, trained, statistics = _measure(kind, config, shapes)
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise UnsafeModelError(
            "shape_not_possible", f"Expected a {kind} that fits its input, received another ({error})."
        ) from error
    if any(not isinstance(side, int) or side < 1 for side in (*output, *(n for w in trained for n in w))):
        raise UnsafeModelError(
            "shape_not_possible", f"Expected whole sizes of at least 1, received {output!r:.60} of a {kind}."
        )
    return output, trained, statistics


def pair(value: Any) -> tuple[int, int]:
    """Return `value`, a number or two of them, as (height, width)."""
    first, second = value if isinstance(value, list | tuple) else (value, value)
    return int(first), int(second)


def pad_pairs(value: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return `value` as ((top, bottom), (left, right))."""
    if isinstance(value, int):
        return (value, value), (value, value)
    rows, columns = value
    return pair(rows), pair(columns)


def _measure(kind: str, config: dict[str, Any], shapes: list[Shape]) -> Measured:
    shape = shapes[0]
    if kind in PLAIN:
        return shape, [], []
    if kind in MERGES:
        longest = max(shapes, key=len)
        return tuple(max(one[i] for one in shapes) for i in range(len(longest))), [], []
    if kind == "Concatenate":
        axis = int(config.get("axis", -1))
        place = axis - 1 if axis > 0 else axis
        total = sum(one[place] for one in shapes)
        return tuple(total if i == place % len(shape) else side for i, side in enumerate(shape)), [], []
    if kind in ("BatchNormalization", "LayerNormalization", "Normalization"):
        return _measure_normalization(kind, config, shape)
    measure = _MEASURES.get(kind)
    if measure is None:
        raise UnsafeModelError("layer_not_supported", f"Expected a known layer, received {kind!r:.60}.")
    output, weights = measure(config, shape)
    return output, weights, []


def _measure_normalization(kind: str, config: dict[str, Any], shape: Shape) -> Measured:
    axis = config.get("axis", -1)
    axes = axis if isinstance(axis, list | tuple) else [axis]
    if kind == "Normalization":
        if config.get("mean") is not None:
            return shape, [], []
        kept = tuple(shape[one - 1 if one > 0 else one] for one in axes if one is not None)
        return shape, [], [kept, kept, ()]
    if [one - 1 if one > 0 else one % len(shape) for one in axes] != [len(shape) - 1]:
        raise ValueError("an axis other than the channels")
    size = (shape[-1],)
    trained: list[Shape] = [size for key in ("scale", "center") if config.get(key, True)]
    return shape, trained, [size, size] if kind == "BatchNormalization" else []


def _slide(config: dict[str, Any], shape: Shape, size: tuple[int, int], strides: Any) -> Shape:
    steps = pair(size if strides is None else strides)
    spread = pair(config.get("dilation_rate", 1))
    if config.get("padding", "valid") == "same":
        return tuple(math.ceil(side / step) for side, step in zip(shape[:2], steps, strict=True))
    return tuple(
        (side - (window - 1) * wide - 1) // step + 1
        for side, window, wide, step in zip(shape[:2], size, spread, steps, strict=True)
    )


def _convolve(config: dict[str, Any], shape: Shape) -> tuple[Shape, list[Shape]]:
    size, filters = pair(config["kernel_size"]), config["filters"]
    groups = config.get("groups", 1)
    if shape[2] % groups:
        raise ValueError("groups that do not divide the channels")
    out = (*_slide(config, shape, size, config.get("strides", 1)), filters)
    return out, [(*size, shape[2] // groups, filters), *_bias(config, filters)]


def _convolve_depth(config: dict[str, Any], shape: Shape) -> tuple[Shape, list[Shape]]:
    size, times = pair(config["kernel_size"]), config.get("depth_multiplier", 1)
    out = (*_slide(config, shape, size, config.get("strides", 1)), shape[2] * times)
    return out, [(*size, shape[2], times), *_bias(config, shape[2] * times)]


def _convolve_apart(config: dict[str, Any], shape: Shape) -> tuple[Shape, list[Shape]]:
    size, times, filters = pair(config["kernel_size"]), config.get("depth_multiplier", 1), config["filters"]
    out = (*_slide(config, shape, size, config.get("strides", 1)), filters)
    weights = [(*size, shape[2], times), (1, 1, shape[2] * times, filters)]
    return out, [*weights, *_bias(config, filters)]


def _pool(config: dict[str, Any], shape: Shape) -> tuple[Shape, list[Shape]]:
    return (*_slide(config, shape, pair(config.get("pool_size", 2)), config.get("strides")), shape[2]), []


def _pool_all(config: dict[str, Any], shape: Shape) -> tuple[Shape, list[Shape]]:
    return ((1, 1, shape[2]) if config.get("keepdims") else (shape[2],)), []


def _pad(config: dict[str, Any], shape: Shape) -> tuple[Shape, list[Shape]]:
    (top, bottom), (left, right) = pad_pairs(config.get("padding", 1))
    return (shape[0] + top + bottom, shape[1] + left + right, shape[2]), []


def _crop(config: dict[str, Any], shape: Shape) -> tuple[Shape, list[Shape]]:
    (top, bottom), (left, right) = pad_pairs(config.get("cropping", 0))
    return (shape[0] - top - bottom, shape[1] - left - right, shape[2]), []


def _enlarge(config: dict[str, Any], shape: Shape) -> tuple[Shape, list[Shape]]:
    rows, columns = pair(config.get("size", 2))
    return (shape[0] * rows, shape[1] * columns, shape[2]), []


def _resize(config: dict[str, Any], shape: Shape) -> tuple[Shape, list[Shape]]:
    return (config["height"], config["width"], shape[2]), []


def _reshape(config: dict[str, Any], shape: Shape) -> tuple[Shape, list[Shape]]:
    target = [int(side) for side in config["target_shape"]]
    known = math.prod(side for side in target if side != -1)
    filled = tuple(math.prod(shape) // known if side == -1 else side for side in target)
    if math.prod(filled) != math.prod(shape):
        raise ValueError("another number of values")
    return filled, []


def _dense(config: dict[str, Any], shape: Shape) -> tuple[Shape, list[Shape]]:
    units = config["units"]
    return (*shape[:-1], units), [(shape[-1], units), *_bias(config, units)]


def _bias(config: dict[str, Any], size: int) -> list[Shape]:
    return [(size,)] if config.get("use_bias", True) else []


_MEASURES: dict[str, Callable[[dict[str, Any], Shape], tuple[Shape, list[Shape]]]] = {
    "Conv2D": _convolve,
    "DepthwiseConv2D": _convolve_depth,
    "SeparableConv2D": _convolve_apart,
    "MaxPooling2D": _pool,
    "AveragePooling2D": _pool,
    "GlobalAveragePooling2D": _pool_all,
    "GlobalMaxPooling2D": _pool_all,
    "ZeroPadding2D": _pad,
    "Cropping2D": _crop,
    "UpSampling2D": _enlarge,
    "Resizing": _resize,
    "CenterCrop": _resize,
    "RandomCrop": _resize,
    "Reshape": _reshape,
    "Flatten": lambda _, shape: ((math.prod(shape),), []),
    "Dense": _dense,
    "PReLU": lambda config, shape: (
        shape,
        [tuple(1 if i + 1 in (config.get("shared_axes") or ()) else side for i, side in enumerate(shape))],
    ),
}
