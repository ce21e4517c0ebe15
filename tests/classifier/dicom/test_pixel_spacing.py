"""Pixel Spacing: the scale of a photograph, where its DICOM file says it in a form that can be meant."""

import pytest

from ml.imaging.dicom.facts import read_pixel_side
from tests.classifier.dicom.samples import build_dicom
from tests.factories import draw_jpeg


@pytest.mark.parametrize(
    ("spacing", "side"),
    [
        ([0.05, 0.05], 0.05),
        ([0.05, 0.0503], 0.05),
        ([0.05, 0.1], None),
        ([0, 0], None),
        ([60, 60], None),
        ([0.05], None),
        (None, None),
    ],
)
def test_square_pixels_of_a_sensible_size_have_a_scale(spacing, side):
    changes = {} if spacing is None else {"PixelSpacing": spacing}
    assert read_pixel_side(build_dicom(**changes)) == side


def test_the_resolution_of_a_jpeg_is_that_of_a_print():
    assert read_pixel_side(draw_jpeg(1)) is None
