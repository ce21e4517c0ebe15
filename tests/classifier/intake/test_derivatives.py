from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from classifier.intake import DERIVATIVE_CONTENT_TYPE, build_derivative, build_thumbnail
from tests.classifier.intake.samples import draw_picture


def read(data):
    return Image.open(BytesIO(data))


def test_a_derivative_is_a_jpeg_of_the_same_picture():
    picture = draw_picture(640, 480)
    shown = read(build_derivative(picture))
    assert (shown.format, shown.size, shown.mode) == ("JPEG", (640, 480), "RGB")
    assert DERIVATIVE_CONTENT_TYPE == "image/jpeg"
    assert np.abs(np.asarray(shown, int) - np.asarray(picture, int)).mean() < 6


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1200, 600), (500, 250)), ((600, 1200), (250, 500)), ((500, 500), (500, 500)), ((4000, 2), (500, 1))],
)
def test_the_longer_side_keeps_the_limit_of_settings(settings, size, expected):
    settings.DERMAPORT_DERIVATIVE_MAX_SIDE = 500
    assert read(build_derivative(Image.new("RGB", size))).size == expected


def test_a_thumbnail_is_at_most_256_pixels_and_small():
    data = build_thumbnail(draw_picture(2000, 1500))
    assert read(data).size == (256, 192)
    assert len(data) < 60_000
    assert read(build_thumbnail(draw_picture(100, 80))).size == (100, 80)


def test_the_same_pixels_give_the_same_bytes():
    assert build_derivative(draw_picture()) == build_derivative(draw_picture())
