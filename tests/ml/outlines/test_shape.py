"""One region of a network's answer, its polygon, and lengths and areas that are known."""

import math

import numpy as np
import pytest

from ml.outlines.shape import (
    draw_polygon,
    fill_holes,
    find_region,
    fit_grid,
    label_regions,
    measure_area,
    measure_diameter,
    measure_length,
    trace_polygon,
)


def ellipse(a, b, *, angle=0.0, size=(256, 192)):
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    x, y = columns + 0.5 - size[0] / 2, rows + 0.5 - size[1] / 2
    turned = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    return (turned[0] / a) ** 2 + (turned[1] / b) ** 2 <= 1


def flood(mask):
    """Regions by the plainest way there is."""
    labels, number = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start]:
            continue
        number += 1
        waiting = [start]
        while waiting:
            row, column = waiting.pop()
            inside = 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]
            if inside and mask[row, column] and not labels[row, column]:
                labels[row, column] = number
                waiting += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
    return labels


@pytest.mark.parametrize("seed", range(6))
def test_regions_are_those_of_a_flood(seed):
    mask = np.random.default_rng(seed).random((24, 31)) < 0.55
    found, plain = label_regions(mask), flood(mask)
    pairs = set(zip(found.ravel().tolist(), plain.ravel().tolist(), strict=True))
    assert len(pairs) == plain.max() + 1 == found.max() + 1
    assert (0, 0) in pairs


def test_holes_are_filled_and_bays_are_not():
    ring = ellipse(40, 40) & ~ellipse(20, 20)
    assert np.array_equal(fill_holes(ring), ellipse(40, 40))
    bay = ellipse(40, 40)
    bay[90:100, 128:] = False
    assert np.array_equal(fill_holes(bay), bay)


def test_the_largest_region_is_kept_whole():
    answer = np.where(ellipse(50, 40), 0.9, 0.1).astype(np.float32)
    answer[5:15, 5:15] = 1.0
    found = find_region(answer, (256, 192))
    assert np.array_equal(found, ellipse(50, 40))


@pytest.mark.parametrize("answer", [np.zeros((32, 32)), np.pad(np.ones((1, 1)), (0, 255))])
def test_nothing_of_some_size_is_nothing(answer):
    found = find_region(answer.astype(np.float32), (256, 256))
    assert found.shape == (256, 256)
    assert not found.any()


@pytest.mark.parametrize(
    ("size", "grid"), [((448, 336), (256, 192)), ((3000, 4000), (192, 256)), ((9000, 1), (256, 1))]
)
def test_the_grid_keeps_the_pictures_proportions(size, grid):
    assert fit_grid(size) == grid


@pytest.mark.parametrize(("a", "b", "angle"), [(80, 80, 0), (80, 40, 0), (80, 40, 0.6), (30, 25, 1.0)])
def test_length_area_and_diameter_of_ellipses(a, b, angle):
    points = trace_polygon(ellipse(a, b, angle=angle))
    h = ((a - b) / (a + b)) ** 2  # Ramanujan 1914
    length = math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))
    assert measure_length(points) == pytest.approx(length, rel=0.02)
    assert measure_area(points) == pytest.approx(math.pi * a * b, rel=0.02)
    assert measure_diameter(points) == pytest.approx(2 * a, rel=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_the_polygon_covers_what_it_outlines(seed):
    generator = np.random.default_rng(seed)
    field = generator.random((12, 16)).astype(np.float32)
    mask = find_region(field, (256, 192))
    drawn = draw_polygon(trace_polygon(mask), (256, 192))
    assert (drawn & mask).sum() / (drawn | mask).sum() > 0.95


def test_a_square_has_four_corners_and_nothing_none():
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True
    points = trace_polygon(mask)
    away = np.abs(points[:, None] - np.array([(5, 5), (15, 5), (15, 15), (5, 15)])).max(axis=-1)
    assert points.shape == (4, 2)
    assert sorted(away.argmin(axis=1)) == [0, 1, 2, 3]
    assert away.min(axis=1).max() <= 1  # the border goes through the middles of the pixels' edges
    assert trace_polygon(np.zeros((4, 4), bool)).shape == (0, 2)


def test_the_whole_picture_is_outlined_at_its_edge():
    points = trace_polygon(np.ones((192, 256), bool))
    assert measure_area(points) == pytest.approx(256 * 192, rel=0.01)
