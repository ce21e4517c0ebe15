"""Figures of an image's quality, comparable across resolutions: measured on what a network sees."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.images import to_array

# The training images are 224×224; a 12-megapixel photograph is judged at that size too, so that a
# defocus that vanishes when the network's input is made does not count, and one that stays does.
WORKING_SIZE: Final = (224, 224)
DARK: Final = 30
BRIGHT: Final = 250
_LUMINANCE: Final = np.array([0.299, 0.587, 0.114])
_BLUR: Final = 9


def shrink(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `image`, uint8 RGB (height, width, 3), at the working size, antialiased.

    The whole picture without keeping its proportions, as every network's input is made.
    Raises ValueError for another shape or type.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"Expected uint8 (height, width, 3), received {image.dtype} {image.shape}.")
    return to_array(Image.fromarray(image), WORKING_SIZE)


def measure_quality(image: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> dict[str, float]:
    """Return the figures of `image`; all but the first are taken on `pixels`, its `shrink`.

    `short_side` in pixels. `dark_share` and `bright_share`: shares in [0, 1] of luminance under 30
    (the black round a dermatoscope's field) and over 250. Of the rest of the frame: `brightness`,
    mean luminance 0 to 255, and `contrast`, its 95th less its 5th percentile. `sharpness` as
    `measure_sharpness`, and `soft_sharpness` the same of the luminance softened by a pixel.
    """
    light = pixels @ _LUMINANCE
    dark = light < DARK
    field = light[~dark]
    low, high = np.quantile(field, (0.05, 0.95)) if field.size else (0.0, 0.0)
    return {
        "short_side": float(min(image.shape[:2])),
        "dark_share": round(float(dark.mean()), 4),
        "bright_share": round(float((light > BRIGHT).mean()), 4),
        "brightness": round(float(field.mean()) if field.size else float(light.mean()), 2),
        "contrast": round(float(high - low), 2),
        "sharpness": round(measure_sharpness(light), 4),
        "soft_sharpness": round(measure_sharpness(soften(light)), 4),
    }


def measure_sharpness(light: NDArray[np.float64]) -> float:
    """Return how much of the luminance's variation a 9-pixel blur takes away, in [0, 1].

    A picture already blurred loses little. The measure is one less the perceptual blur of Crete et
    al. 2007 ("The blur effect", SPIE 6492), so it hardly depends on contrast or on how much detail a
    lesion has; the worse of both directions counts, which finds motion. A blank image gives 0.
    """
    shares = []
    for axis in (0, 1):
        before = np.abs(np.diff(light, axis=axis))
        after = np.abs(np.diff(_blur(light, axis), axis=axis))
        total = float(before.sum())
        shares.append(float(np.maximum(before - after, 0.0).sum()) / total if total > 0 else 0.0)
    return min(shares)


def soften(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `light` (height, width) convolved with (1, 2, 1) / 4 along both axes, its edges repeated.

    Takes away the edges of JPEG's blocks, which pass for detail in a picture out of focus.
    """
    across = np.pad(light, 1, mode="edge")
    across = (across[:-2] + 2 * across[1:-1] + across[2:]) / 4
    softened: NDArray[np.float64] = (across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]) / 4
    return softened


def _blur(light: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    half = _BLUR // 2
    padding = [(half + 1, half) if axis == side else (0, 0) for side in (0, 1)]
    sums = np.cumsum(np.pad(light, padding, mode="edge"), axis=axis)
    count = sums.shape[axis]
    blurred: NDArray[np.float64] = (
        np.take(sums, range(_BLUR, count), axis=axis) - np.take(sums, range(count - _BLUR), axis=axis)
    ) / _BLUR
    return blurred
