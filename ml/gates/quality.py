"""Image quality measures, comparable across resolutions: taken on what a network sees."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.imaging.decoding import to_array

# The training images are 224×224; a 12-megapixel photograph is judged at that size too, so that a
# defocus that vanishes when the network's input is made does not count, and one that stays does.
WORKING_SIZE: Final = (224, 224)
DARK: Final = 30
BRIGHT: Final = 250
_LUMINANCE: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)
# Standard deviations in pixels: fine detail lies between the first two, coarse between the last two.
_SCALES: Final = (0.7, 1.4, 2.8)
_ACROSS: Final = 1.0
# JPEG at quality 75 leaves edges of about one level where its blocks meet; less than this is no detail.
_NOISE: Final = 1.0
# A solid patch of frame is at least this wide; its edge reaches the bands this far.
_SOLID: Final = 9
_REACH: Final = 6
_LEAST_FIELD: Final = 0.05


def shrink(image: NDArray[np.uint8] | Image.Image) -> NDArray[np.uint8]:
    """Return `image`, RGB, as uint8 (height, width, 3) at the working size, antialiased.

    The whole picture without keeping its proportions, as every network's input is made.
    Raises ValueError for another shape or type.
    """
    if isinstance(image, Image.Image):
        return to_array(image, WORKING_SIZE)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"Expected uint8 (height, width, 3), received {image.dtype} {image.shape}.")
    return to_array(Image.fromarray(image), WORKING_SIZE)


def measure_quality(pixels: NDArray[np.uint8], size: tuple[int, int]) -> dict[str, float]:
    """Return the figures of an image of `size`, (width, height), by `pixels`, its `shrink`.

    `short_side`: of `size`, in pixels. `dark_share`: share in [0, 1] of luminance under 30 (the black
    round a dermatoscope's field). Within the inscribed ellipse, since a white mask round a field is
    no light: `bright_share`, the share of luminance over 250; and of what isn't dark, `brightness`,
    mean luminance 0 to 255, and `contrast`, its 95th less its 5th percentile. `sharpness` as
    `measure_sharpness`.
    """
    light = pixels @ _LUMINANCE
    dark = light < DARK
    inside = _draw_ellipse()
    lit = light[inside & ~dark]
    low, high = np.quantile(lit, (0.05, 0.95)) if lit.size else (0.0, 0.0)
    return {
        "short_side": float(min(size)),
        "dark_share": round(float(dark.mean()), 4),
        "bright_share": round(float((light[inside] > BRIGHT).mean()), 4),
        "brightness": round(float(lit.mean()) if lit.size else float(light.mean()), 2),
        "contrast": round(float(high - low), 2),
        "sharpness": round(measure_sharpness(light), 4),
    }


def measure_sharpness(light: NDArray[np.float32]) -> float:
    """Return how much fine detail the luminance (224, 224) has beside its coarse detail; 0 when none.

    The mean of a band of 0.7 to 1.4 pixels over that of 1.4 to 2.8 pixels (differences of Gaussians),
    each less a level of noise, so that blocks of JPEG don't count as detail. Bands are compared,
    so it hardly depends on how much detail a lesion has; a Gaussian blur of 2 pixels leaves a
    tenth of the fine band and two thirds of the coarse one. Frames and their edges are left out: a
    vignette is soft in every picture. The worse of both directions counts, which finds motion.
    """
    field = find_field(light)
    across, fine, coarse = _draw_kernels()
    ratios = []
    for turned, where in ((light, field), (light.T, field.T)):
        smooth = _filter(np.ascontiguousarray(turned).T, across).T
        strengths = [
            float(np.maximum(np.abs(_filter(smooth, band))[where] - _NOISE, 0).mean())
            for band in (fine, coarse)
        ]
        ratios.append(strengths[0] / strengths[1] if strengths[1] > 0 else 0.0)
    return min(ratios)


def find_field(light: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which pixels of the luminance (224, 224) lie away from a black or white frame.

    A frame is whatever is black or white over 9×9 pixels, so hairs and glints are none. All of the
    picture where too little would be left.
    """
    frame = np.zeros(light.shape, dtype=bool)
    for solid in (light < DARK, light > BRIGHT):
        if solid.any():
            core = _sum_box(solid, _SOLID) == _SOLID**2
            frame |= _sum_box(core, _SOLID + 2 * _REACH) > 0
    return ~frame if frame.mean() <= 1 - _LEAST_FIELD else np.ones_like(frame)


def _sum_box(mask: NDArray[np.bool_], side: int) -> NDArray[np.int32]:
    """Return how many of the `side`×`side` pixels around each are set, the edges repeated."""
    before, after = side // 2 + 1, side // 2
    sums = np.pad(mask, (before, after), mode="edge").astype(np.int32).cumsum(axis=0).cumsum(axis=1)
    counts: NDArray[np.int32] = (
        sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    )
    return counts


@cache
def _draw_ellipse() -> NDArray[np.bool_]:
    rows, columns = (
        (np.arange(side, dtype=np.float64) - (side - 1) / 2) / (side / 2) for side in WORKING_SIZE
    )
    inside: NDArray[np.bool_] = np.hypot(rows[:, None], columns[None, :]) <= 1
    return inside


def _filter(light: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `light` convolved down its columns with a symmetric kernel, the edges repeated.

    `kernel`: its middle and one half. Sums of slices: a matrix product would wake a thread on every
    core of a busy server.
    """
    half, height = kernel.size - 1, light.shape[0]
    padded = np.pad(light, ((half, half), (0, 0)), mode="edge")
    result: NDArray[np.float32] = kernel[0] * light
    for offset in range(1, half + 1):
        pair = padded[half - offset : half - offset + height] + padded[half + offset : half + offset + height]
        pair *= kernel[offset]
        result += pair
    return result


@cache
def _draw_kernels() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return one half of the smoothing across and of both bands."""
    first, second, third = (_draw_gaussian(deviation, _SCALES[2]) for deviation in _SCALES)
    return (
        _draw_gaussian(_ACROSS, _ACROSS),
        (first - second)[: 1 + int(np.ceil(4 * _SCALES[1]))],
        second - third,
    )


def _draw_gaussian(deviation: float, widest: float) -> NDArray[np.float32]:
    offsets = np.arange(1 + int(np.ceil(4 * widest)))
    weights = np.exp(-0.5 * (offsets / deviation) ** 2)
    weights /= 2 * weights.sum() - weights[0]
    return weights.astype(np.float32)
