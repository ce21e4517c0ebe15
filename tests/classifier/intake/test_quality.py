import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from classifier.inference import decode_image
from classifier.intake.quality import find_quality_notices, measure_quality
from tests.classifier.intake.samples import draw_picture

TRAIN = Path(os.environ.get("DERMAPORT_DATA", "../shared/data")) / "fanconi-isic" / "train"


def find_codes(image):
    return {notice.code for notice in find_quality_notices(measure_quality(image))}


def test_figures_are_plain_numbers():
    figures = measure_quality(draw_picture(1200, 900))
    assert set(figures) == {"sharpness", "brightness", "contrast", "dark_fraction", "bright_fraction"}
    assert all(type(value) is float for value in figures.values())
    assert json.loads(json.dumps(figures)) == figures


def test_a_good_photo_gets_no_hint():
    assert find_codes(draw_picture()) == set()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda image: image.filter(ImageFilter.GaussianBlur(6)), "blurred"),
        (lambda image: image.point(lambda value: value // 5), "dark"),
        (lambda image: image.point(lambda value: 200 + value // 5), "bright"),
        (lambda image: Image.blend(image, Image.new("RGB", image.size, (150, 120, 110)), 0.97), "flat"),
    ],
)
def test_each_fault_is_named(change, code):
    assert code in find_codes(change(draw_picture()))


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 500)])
def test_tiny_pictures_have_figures_too(size):
    assert all(np.isfinite(value) for value in measure_quality(Image.new("RGB", size)).values())


@pytest.mark.skipif(not TRAIN.is_dir(), reason="the shared image sets (DERMAPORT_DATA) are not here")
def test_training_images_seldom_get_a_hint():
    paths = sorted(TRAIN.rglob("*.jpg"))[::8][:300]
    hinted = sum(bool(find_codes(decode_image(path.read_bytes()))) for path in paths)
    assert hinted / len(paths) < 0.03
