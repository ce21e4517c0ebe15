"""Texture and wavelet features of a picture, as computer-aided diagnosis took them before networks learned them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

WAVELET: Final = "db2"
WAVELET_LEVELS: Final = 3
GREY_LEVELS: Final = 16
DISTANCES: Final = (1, 3)
# Row and column of the neighbour at 0, 45, 90 and 135 degrees.
_ANGLES: Final = ((0, 1), (-1, 1), (-1, 0), (-1, -1))
# The eight neighbours in order round the pixel.
_CIRCLE: Final = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
_RADII: Final = (1, 2)


def measure_texture(pixels: Pixels) -> NDArray[np.float32]:
    """Return the texture features of `pixels`, uint8 RGB (h, w, 3): co-occurrence and binary patterns, float32 (44,).

    Both are of the grey picture.
    """
    grey = _make_grey(pixels)
    return np.concatenate([measure_cooccurrence(grey), measure_binary_patterns(grey)])


def measure_cooccurrence(grey: Pixels) -> NDArray[np.float32]:
    """Return features of the grey-level co-occurrence matrices of `grey`, uint8 (h, w): float32 (24,).

    Haralick, Shanmugam and Dinstein 1973: contrast, dissimilarity, homogeneity, energy, correlation and entropy of
    16 grey levels at distances of 1 and 3 pixels; of each the mean over four directions, which a turned picture
    keeps, and the range.
    """
    levels = (grey // (256 // GREY_LEVELS)).astype(np.int64)
    found = []
    for distance in DISTANCES:
        each = np.array([_describe_pairs(_count_pairs(levels, *step, distance)) for step in _ANGLES])
        found += [each.mean(axis=0), np.ptp(each, axis=0)]
    return np.concatenate(found).astype(np.float32)


def _count_pairs(levels: NDArray[np.int64], down: int, right: int, distance: int) -> NDArray[np.float64]:
    """Return the symmetric matrix of how often two grey levels lie so far apart, float64 (16, 16), sum 1."""
    first, second = _shift_apart(levels, down * distance, right * distance)
    counts = np.bincount((first * GREY_LEVELS + second).ravel(), minlength=GREY_LEVELS**2)
    matrix = counts.reshape(GREY_LEVELS, GREY_LEVELS).astype(np.float64)
    matrix += matrix.T
    shares: NDArray[np.float64] = matrix / matrix.sum()
    return shares


def _shift_apart(
    values: NDArray[np.int64], down: int, right: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pixels that have a neighbour `down` and `right` of them, and those neighbours."""
    height, width = values.shape
    rows, columns = height - abs(down), width - abs(right)
    top, left = max(0, -down), max(0, -right)
    return (
        values[top : top + rows, left : left + columns],
        values[top + down : top + down + rows, left + right : left + right + columns],
    )


def _describe_pairs(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = np.indices(matrix.shape)
    apart = np.abs(rows - columns)
    mean = (matrix * rows).sum()
    variance = (matrix * (rows - mean) ** 2).sum()
    together = (matrix * (rows - mean) * (columns - mean)).sum()
    present = matrix[matrix > 0]
    return np.array(
        [
            (matrix * apart**2).sum(),
            (matrix * apart).sum(),
            (matrix / (1 + apart**2)).sum(),
            np.sqrt((matrix**2).sum()),
            together / variance if variance > 1e-12 else 1.0,  # one level alone agrees with itself
            -(present * np.log2(present)).sum(),
        ]
    )


def measure_binary_patterns(grey: Pixels) -> NDArray[np.float32]:
    """Return shares of the uniform local binary patterns of `grey`, uint8 (h, w), float32 (20,).

    Ojala, Pietikäinen and Mäenpää 2002, rotation invariant: by how many of eight neighbours are at least as bright,
    where those lie side by side (nine kinds), and all other patterns together; at radii of 1 and 2 pixels.
    """
    values = grey.astype(np.int64)
    return np.concatenate([_count_patterns(values, radius) for radius in _RADII]).astype(np.float32)


def _count_patterns(values: NDArray[np.int64], radius: int) -> NDArray[np.float64]:
    height, width = values.shape
    centre = values[radius : height - radius, radius : width - radius]
    # Where a diagonal is drawn in to the circle: 2 pixels along it are 1.4 each way.
    near = [
        (
            round(down * radius / max(1.0, np.hypot(down, right))),
            round(right * radius / max(1.0, np.hypot(down, right))),
        )
        for down, right in _CIRCLE
    ]
    brighter = np.stack(
        [
            values[radius + down : height - radius + down, radius + right : width - radius + right] >= centre
            for down, right in near
        ]
    )
    changes = (brighter != np.roll(brighter, 1, axis=0)).sum(axis=0)
    kind = np.where(changes <= 2, brighter.sum(axis=0), len(_CIRCLE) + 1)
    return np.bincount(kind.ravel(), minlength=len(_CIRCLE) + 2) / kind.size


def measure_wavelets(pixels: Pixels) -> NDArray[np.float32]:
    """Return wavelet features of `pixels`, uint8 RGB (h, w, 3): float32 (60,).

    Daubechies' wavelet of two vanishing moments over three levels (Mallat 1989), each colour alone: of each of
    ten bands the log of the mean magnitude and of the standard deviation.
    """
    import pywt

    found = []
    for channel in range(3):
        bands = pywt.wavedec2(pixels[..., channel].astype(np.float32) / 255, WAVELET, level=WAVELET_LEVELS)
        flat = [bands[0], *(band for level in bands[1:] for band in level)]
        found += [np.log([float(np.abs(band).mean()) + 1e-6, float(band.std()) + 1e-6]) for band in flat]
    return np.concatenate(found).astype(np.float32)


def _make_grey(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).convert("L"))
