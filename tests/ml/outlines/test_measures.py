"""Measures on drawn lesions whose figures are known."""

import numpy as np
import pytest

from ml.fields import JsonFieldError
from ml.outlines.measures import COLOURS, Measures, find_colours, measure_asymmetry, measure_outline, to_lab
from tests.ml.outlines.test_shape import ellipse

SKIN = np.full((192, 256, 3), (222, 178, 152), dtype=np.uint8)


def test_a_circle_has_its_size_no_asymmetry_and_a_round_border():
    _, found = measure_outline(ellipse(60, 60), SKIN, millimetres=0.1)
    assert found.area == pytest.approx(np.pi * 60**2 / (256 * 192), rel=0.01)
    assert found.diameter == pytest.approx(120 / 256, rel=0.02)
    assert found.area_mm2 == pytest.approx(np.pi * 36, rel=0.01)
    assert found.diameter_mm == pytest.approx(12, rel=0.02)
    assert found.asymmetry < 0.01
    assert found.irregularity == pytest.approx(1, abs=0.02)
    assert not found.is_cut


def test_millimetres_only_where_the_scale_is_known():
    _, found = measure_outline(ellipse(60, 60), SKIN)
    assert (found.area_mm2, found.diameter_mm) == (None, None)


@pytest.mark.parametrize("angle", [0, 0.4, 1.1])
def test_an_ellipse_is_symmetric_whichever_way_it_lies(angle):
    assert measure_asymmetry(ellipse(70, 35, angle=angle)) < 0.03


def test_half_a_circle_is_symmetric_about_one_axis_alone():
    half = ellipse(60, 60)
    half[:, :128] = False
    assert 0.05 < measure_asymmetry(half) < 0.25


def test_teeth_make_the_border_irregular_and_leave_the_size():
    ragged = ellipse(60, 60)
    ragged[30:162:12, :] &= ellipse(45, 45)[30:162:12, :]
    ragged[31:162:12, :] &= ellipse(45, 45)[31:162:12, :]
    _, smooth = measure_outline(ellipse(60, 60), SKIN)
    _, rough = measure_outline(ragged, SKIN)
    assert rough.irregularity > 1.5 * smooth.irregularity
    assert rough.area == pytest.approx(smooth.area, rel=0.15)


def test_a_lesion_at_the_edge_is_said_to_be_cut():
    _, found = measure_outline(ellipse(200, 60), SKIN)
    assert found.is_cut


def test_colours_count_from_a_twentieth_of_the_lesion():
    pixels = np.repeat(
        (np.array([COLOURS[name] for name in ("red", "black", "white")]) * 255).astype(np.uint8),
        (60, 36, 4),
        axis=0,
    )
    assert find_colours(pixels) == ("red", "black")
    assert find_colours(np.repeat(pixels[-1:], 5, axis=0)) == ("white",)


def test_lab_of_known_colours():
    """White, black and sRGB's red (Lindbloom's values)."""
    found = to_lab(np.array([[1.0, 1, 1], [0, 0, 0], [1, 0, 0]]))
    assert found == pytest.approx(np.array([[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]]), abs=0.02)


def test_an_empty_mask_or_another_grid_is_refused():
    for mask in (np.zeros((192, 256), bool), np.ones((10, 10), bool)):
        with pytest.raises(ValueError, match="Expected a lesion on the grid"):
            measure_outline(mask, SKIN)


def test_measures_survive_json():
    _, found = measure_outline(ellipse(60, 40), SKIN, millimetres=0.1)
    assert Measures.from_dict(found.to_dict()) == found
    with pytest.raises(JsonFieldError):
        Measures.from_dict({**found.to_dict(), "area": "large"})
