"""Region and polygon of a lesion: from the probability of each pixel to one closed outline."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]

THRESHOLD: Final = 0.5
LONG_SIDE: Final = 256
"""Of the grid on which outlines are drawn and measured, pixels; its proportions are the picture's."""
# A region smaller than this share of the picture is a hair, a bubble or nothing.
LEAST_SHARE: Final = 0.002
# How far the polygon may leave the pixels' border, in pixels of the grid (Douglas and Peucker 1973).
_TOLERANCE: Final = 0.9


def fit_grid(size: tuple[int, int]) -> tuple[int, int]:
    """Return the grid's (width, height) for a picture of `size`, (width, height): the longer side is LONG_SIDE."""
    scale = LONG_SIDE / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def find_region(probabilities: NDArray[np.float32], size: tuple[int, int]) -> Mask:
    """Return the lesion, bool (height, width), on a grid of `size`, (width, height), of P(lesion) of any shape (h, w).

    Pixels of at least THRESHOLD after bilinear resizing; of these the largest connected region (by edges), its holes
    filled. All False where none has LEAST_SHARE of the picture.
    """
    image = Image.fromarray(np.ascontiguousarray(probabilities, dtype=np.float32))
    mask = np.asarray(image.resize(size, Image.Resampling.BILINEAR)) >= THRESHOLD
    labels = label_regions(mask)
    sizes = np.bincount(labels.ravel())[1:]
    if not sizes.size or sizes.max() < LEAST_SHARE * mask.size:
        return np.zeros_like(mask)
    return fill_holes(labels == 1 + int(sizes.argmax()))


def fill_holes(mask: Mask) -> Mask:
    """Return `mask`, bool (h, w), with what it encloses."""
    outside = label_regions(~np.pad(mask, 1))
    filled: Mask = (outside != outside[0, 0])[1:-1, 1:-1]
    return filled


def label_regions(mask: Mask) -> NDArray[np.int64]:
    """Return the number of each pixel's region, int64 (h, w), 1 and on, 0 where `mask` is False.

    Regions are connected by edges. Runs of each row are joined to those above them by union-find (Rosenfeld and
    Pfaltz 1966, "Sequential operations in digital picture processing").
    """
    height, width = mask.shape
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    parent = list(range(len(rows)))

    def find(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    first = np.searchsorted(rows, np.arange(height + 1))
    for row in range(1, height):
        above, here = int(first[row - 1]), int(first[row])
        while above < first[row] and here < first[row + 1]:
            if starts[above] < ends[here] and starts[here] < ends[above]:
                low, high = sorted((find(above), find(here)))
                parent[high] = low
            if ends[above] < ends[here]:
                above += 1
            else:
                here += 1
    roots = [find(run) for run in range(len(rows))]
    numbers = {root: number for number, root in enumerate(dict.fromkeys(roots), start=1)}
    labels = np.zeros((height, width), dtype=np.int64)
    for at, start, end, root in zip(rows, starts, ends, roots, strict=True):
        labels[at, start:end] = numbers[root]
    return labels


def trace_polygon(mask: Mask) -> Points:
    """Return the outline of one filled region, float64 (n, 2) of (x, y) in pixels of `mask`, bool (h, w), not closed.

    The border between pixels is followed with the lesion on the right, then simplified (Douglas and Peucker 1973,
    "Algorithms for the reduction of the number of points"). Empty (0, 2) where nothing is True.
    """
    if not mask.any():
        return np.empty((0, 2))
    corners = _follow_border(np.pad(mask, 1)) - 1
    # Midpoints of the unit steps cut the stairs' corners: a slanted border is no longer than it is.
    middles = (corners + np.roll(corners, -1, axis=0)) / 2
    far = int(np.argmax(np.sum((middles - middles[0]) ** 2, axis=1)))
    halves = (middles[: far + 1], np.concatenate([middles[far:], middles[:1]]))
    return np.concatenate([_simplify(half)[:-1] for half in halves])


def draw_polygon(points: Points, size: tuple[int, int]) -> Mask:
    """Return the pixels, bool (height, width), whose middle lies in the polygon `points`, (n, 2), even-odd rule."""
    width, height = size
    middles = np.arange(height) + 0.5
    columns = np.arange(width) + 0.5
    inside = np.zeros((height, width), dtype=np.bool_)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        crossed = (y0 <= middles) != (y1 <= middles)
        if crossed.any():
            at = x0 + (middles[crossed] - y0) * (x1 - x0) / (y1 - y0)
            inside[crossed] ^= columns[None] > at[:, None]
    return inside


def measure_length(points: Points) -> float:
    """Return the length of the closed polygon `points`, (n, 2), in its own units."""
    return float(np.hypot(*(np.roll(points, -1, axis=0) - points).T).sum())


def measure_area(points: Points) -> float:
    """Return the area of the closed polygon `points`, (n, 2), by the shoelace formula."""
    x, y = points.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def measure_diameter(points: Points) -> float:
    """Return the largest distance between two points of the polygon, its largest Feret diameter."""
    return float(np.sqrt(np.max(np.sum((points[:, None] - points[None]) ** 2, axis=-1), initial=0.0)))


# Right, down, left, up in (x, y); and the pixels ahead of a corner, right and left of each, as (row, column).
_STEPS: Final = ((1, 0), (0, 1), (-1, 0), (0, -1))
_AHEAD: Final = (((0, 0), (-1, 0)), ((0, -1), (0, 0)), ((-1, -1), (0, -1)), ((-1, 0), (-1, -1)))


def _follow_border(mask: Mask) -> Points:
    """Return the corners, (n, 2), along the outer border of the first region of a padded `mask`."""
    row = int(np.flatnonzero(mask.any(axis=1))[0])
    start = (int(np.flatnonzero(mask[row])[0]), row)
    corners: list[tuple[int, int]] = []
    place, heading = start, 0
    while not corners or place != start:
        corners.append(place)
        place = (place[0] + _STEPS[heading][0], place[1] + _STEPS[heading][1])
        (right, left) = ((place[1] + r, place[0] + c) for r, c in _AHEAD[heading])
        if not mask[right]:
            heading = (heading + 1) % 4
        elif mask[left]:
            heading = (heading - 1) % 4
    return np.array(corners, dtype=np.float64)


def _simplify(points: Points) -> Points:
    kept = np.zeros(len(points), dtype=np.bool_)
    kept[[0, -1]] = True
    waiting = [(0, len(points) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        base = points[last] - points[first]
        between = points[first + 1 : last] - points[first]
        length = float(np.hypot(*base))
        if length:
            away = np.abs(base[0] * between[:, 1] - base[1] * between[:, 0]) / length
        else:
            away = np.hypot(between[:, 0], between[:, 1])
        worst = int(away.argmax())
        if away[worst] > _TOLERANCE:
            kept[first + 1 + worst] = True
            waiting += [(first, first + 1 + worst), (first + 1 + worst, last)]
    return points[kept]
