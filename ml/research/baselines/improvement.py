"""Image improvement before classification: hair removal, colour constancy and contrast, each a stage by itself.

The older systems all begin with such stages. Here they are measured (`ml.research.baselines.trial`), not assumed:
nothing that serves patients uses one.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.evaluation.signature import balance_light

Pixels = NDArray[np.uint8]

# Of a picture of 224 pixels: how long a line closes hairs, how dark and how much of the picture they may be.
_SIDE: Final = 224
_LINE: Final = 9
_DARKER: Final = 12
_MOST: Final = 0.25
# Row and column of one step along a line: level, upright and both diagonals.
_DIRECTIONS: Final = ((0, 1), (1, 0), (1, 1), (1, -1))
_TILES: Final = 8
_CLIP: Final = 2.0


def remove_hair(pixels: Pixels) -> Pixels:
    """Return `pixels`, uint8 RGB (h, w, 3), with thin dark lines painted over from what lies round them.

    After DullRazor (Lee et al. 1997): a grey closing along lines in four directions finds what is thin and darker
    than both its sides (black-hat); what was found is filled from its surroundings. A picture of which more than a
    quarter would be painted over stays as it is: that is no hair.
    """
    mask = find_hair(pixels)
    return fill_in(pixels, mask) if 0 < mask.mean() <= _MOST else pixels


def find_hair(pixels: Pixels) -> NDArray[np.bool_]:
    """Return where `pixels`, uint8 RGB (h, w, 3), has thin dark lines, bool (h, w), widened by one pixel.

    A closing along a line fills what is shorter along it than the line. A spot is shorter in all four directions,
    a hair in all but the one it runs in: so the second smallest of the four fillings must be deep, and the
    smallest shallow. What does not go on for longer than the line is no hair (opening along lines).
    """
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    length = max(3, round(_LINE * min(grey.shape) / _SIDE))
    filled = np.sort([close_line(grey, step, length).astype(np.int16) - grey for step in _DIRECTIONS], axis=0)
    thin = (filled[1] >= _DARKER) & (filled[0] * 2 < filled[1])
    thin[[0, 1, -2, -1]] = thin[:, [0, 1, -2, -1]] = (
        False  # a line that reaches the edge goes on mirrored there
    )
    spread = _spread(np.where(thin, 255, 0).astype(np.uint8), 1)
    long = np.max([255 - close_line(255 - spread, step, length + 6) for step in _DIRECTIONS], axis=0)
    return _spread(long, 1) > 0


def close_line(grey: Pixels, step: tuple[int, int], length: int) -> Pixels:
    """Return the grey closing of `grey`, uint8 (h, w), along a line of `length` pixels in direction `step`."""
    margin = length
    wide = np.pad(grey, margin, mode="symmetric" if min(grey.shape) > margin else "edge")
    # The greatest over a line that ends here, then the least over one that begins here; either by doubling.
    for choose, sign in ((np.maximum, 1), (np.minimum, -1)):
        covered = 1
        while covered < length:
            hop = min(covered, length - covered)
            wide = choose(wide, np.roll(wide, (sign * hop * step[0], sign * hop * step[1]), axis=(0, 1)))
            covered += hop
    return wide[margin:-margin, margin:-margin]


def fill_in(pixels: Pixels, mask: NDArray[np.bool_]) -> Pixels:
    """Return `pixels`, uint8 (h, w, 3), with `mask`, bool (h, w), filled from the nearest that is not masked.

    Each masked pixel becomes the mean of the unmasked in the smallest window round it that holds enough of them.
    """
    values = pixels.astype(np.float32)
    left, reach = mask.copy(), 2
    known = (~mask).astype(np.float32)
    while left.any() and reach < 2 * max(mask.shape):
        weight = _sum_window(known, reach)
        ready = left & (weight >= max(1.0, min(reach, known.sum())))
        if ready.any():
            for channel in range(3):
                total = _sum_window(pixels[..., channel] * known, reach)
                values[..., channel][ready] = total[ready] / weight[ready]
            left &= ~ready
        reach *= 2
    filled: Pixels = np.clip(values + 0.5, 0, 255).astype(np.uint8)
    return filled


def _sum_window(values: NDArray[np.float32], reach: int) -> NDArray[np.float64]:
    """Return the sum of `values` (h, w) over the square window of 2·reach + 1 round each pixel, cut at the edge."""
    height, width = values.shape
    sums = np.zeros((height + 1, width + 1))
    sums[1:, 1:] = values.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    rows, columns = np.arange(height), np.arange(width)
    top, bottom = np.maximum(rows - reach, 0), np.minimum(rows + reach + 1, height)
    left, right = np.maximum(columns - reach, 0), np.minimum(columns + reach + 1, width)
    total: NDArray[np.float64] = (
        sums[np.ix_(bottom, right)]
        - sums[np.ix_(top, right)]
        - sums[np.ix_(bottom, left)]
        + sums[np.ix_(top, left)]
    )
    return total


def _spread(mask: Pixels, reach: int) -> Pixels:
    wide = np.pad(mask, reach)
    height, width = mask.shape
    parts = [
        wide[down : down + height, right : right + width]
        for down in range(2 * reach + 1)
        for right in range(2 * reach + 1)
    ]
    result: Pixels = np.maximum.reduce(parts)
    return result


def equalise_contrast(pixels: Pixels) -> Pixels:
    """Return `pixels`, uint8 RGB (h, w, 3), after CLAHE of their luminance; the colours stay.

    Contrast-limited adaptive histogram equalisation (Zuiderveld 1994): 8×8 tiles, each tile's histogram cut at
    twice its mean, tables blended between the tiles' middles.
    """
    bands = np.array(Image.fromarray(pixels).convert("YCbCr"))
    bands[..., 0] = _equalise(bands[..., 0])
    return np.asarray(Image.fromarray(bands, "YCbCr").convert("RGB"))


def _equalise(grey: Pixels) -> Pixels:
    height, width = grey.shape
    edges = [np.linspace(0, size, min(_TILES, size) + 1).round().astype(int) for size in (height, width)]
    tables = np.array(
        [
            [
                _draw_table(grey[top:bottom, left:right])
                for left, right in zip(edges[1][:-1], edges[1][1:], strict=True)
            ]
            for top, bottom in zip(edges[0][:-1], edges[0][1:], strict=True)
        ]
    )
    (row, below, down), (column, beside, across) = (
        _place_between(np.arange(size), (edge[:-1] + edge[1:] - 1) / 2)
        for size, edge in zip((height, width), edges, strict=True)
    )
    down, across = down[:, None], across[None, :]
    upper = tables[row[:, None], column, grey] * (1 - across) + tables[row[:, None], beside, grey] * across
    lower = (
        tables[below[:, None], column, grey] * (1 - across) + tables[below[:, None], beside, grey] * across
    )
    return np.clip(upper * (1 - down) + lower * down + 0.5, 0, 255).astype(np.uint8)


def _draw_table(tile: Pixels) -> NDArray[np.float64]:
    """Return what each grey level of a tile becomes, float64 (256,)."""
    counts = np.bincount(tile.ravel(), minlength=256).astype(np.float64)
    limit = max(1.0, _CLIP * tile.size / 256)
    cut = np.minimum(counts, limit)
    cut += (tile.size - cut.sum()) / 256
    table: NDArray[np.float64] = cut.cumsum() * 255 / tile.size
    return table


def _place_between(
    places: NDArray[np.int64], middles: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the tiles before and after each place and how far it is from the first to the second, in [0, 1]."""
    after = np.clip(np.searchsorted(middles, places), 0, len(middles) - 1)
    before = np.clip(after - 1, 0, None)
    before = np.where(places >= middles[-1], len(middles) - 1, before)
    gap = middles[after] - middles[before]
    share = np.divide(places - middles[before], gap, out=np.zeros(len(places)), where=gap > 0)
    return before, after, np.clip(share, 0, 1)


def improve_all(pixels: Pixels) -> Pixels:
    """Return `pixels` after all three stages: hairs first, then light, then contrast."""
    return equalise_contrast(balance_light(remove_hair(pixels)))


# What is tried, by name: what it is in words, and the change of uint8 RGB (h, w, 3).
STAGES: Final[dict[str, tuple[str, Callable[[Pixels], Pixels]]]] = {
    "hair": ("hair removal (black-hat, painted over)", remove_hair),
    "light": ("colour constancy (shades of grey)", balance_light),
    "contrast": ("contrast (CLAHE)", equalise_contrast),
    "all": ("all three", improve_all),
}
