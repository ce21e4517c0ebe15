"""What is said of a photo as it comes in is what the worker's gates say: they are the same ones."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from classifier.domain.limits import UploadLimits
from classifier.domain.vocabulary import CaptureKind
from classifier.engine import serving
from classifier.engine.serving import look_at
from classifier.intake import inspect_image
from classifier.intake.pictures import NewImage
from classifier.intake.quality import judge_quality
from ml.imaging.decoding import decode_image
from tests.classifier.intake.samples import draw_picture, encode, encode_picture

TRAIN = Path(os.environ.get("DERMAPORT_DATA", "../shared/data")) / "fanconi-isic" / "train"
BLUR = ImageFilter.GaussianBlur(6)


@pytest.fixture(autouse=True)
def _gates_on(settings):
    settings.DERMAPORT_GATES = True


def find_codes(image):
    return {notice.code for notice in judge_quality(image)[1]}


def test_figures_are_plain_json_under_their_old_names():
    quality, _ = judge_quality(draw_picture(1200, 900))
    names = {"sharpness", "brightness", "contrast", "dark_fraction", "bright_fraction"}
    assert names <= set(quality)
    assert all(type(quality[name]) is float for name in names)
    assert quality["version"] == serving.load_gates().specification.version
    assert json.loads(json.dumps(quality)) == quality


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda image: image.filter(BLUR), "blurred"),
        (lambda image: image.point(lambda value: value // 5), "too_dark"),
        (lambda image: image.point(lambda value: min(255, value * 2)), "too_bright"),
        (
            lambda image: Image.blend(image, Image.new("RGB", image.size, (150, 120, 110)), 0.97),
            "low_contrast",
        ),
    ],
)
def test_the_worker_says_the_same_in_the_same_words(change, code):
    image = change(draw_picture())
    quality, notices = judge_quality(image)
    (verdict,) = serving.assess([look_at(np.asarray(image))])
    assert code in {notice.code for notice in notices}
    assert [{"code": one.code, "message": one.message} for one in notices] == verdict.refusals
    assert quality["sharpness"] == verdict.figures["sharpness"]
    assert quality["verdict"] == "check"


def test_a_photo_is_taken_without_a_word_when_the_gates_cannot_be_loaded(monkeypatch):
    def refuse():
        raise OSError("gates.xml is missing")

    monkeypatch.setattr("ml.serving.gating.load_gates", refuse)
    image = inspect_image(encode_picture(), "photo.jpg", UploadLimits())
    assert (image.quality, image.gate_notices, image.kind) == ({}, [], "")


def test_gates_that_are_off_say_nothing(settings):
    settings.DERMAPORT_GATES = False
    assert judge_quality(draw_picture().filter(BLUR)) == ({}, [])


def test_a_close_up_is_not_judged_and_so_not_found_poor():
    intake = inspect_image(encode(draw_picture().filter(BLUR), "PNG"), "photo.png", UploadLimits())
    codes = {
        kind: {notice.code for notice in NewImage.from_intake(intake, capture_kind=kind).notices}
        for kind in CaptureKind.values
    }
    assert "blurred" in codes["dermoscopic"]
    assert codes["clinical"] == codes["overview"] == set()


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 500)])
def test_tiny_pictures_have_figures_too(size):
    quality, _ = judge_quality(Image.new("RGB", size))
    assert all(np.isfinite(quality[name]) for name in ("sharpness", "brightness", "contrast"))


@pytest.mark.skipif(not TRAIN.is_dir(), reason="the shared image sets (DERMAPORT_DATA) are not here")
def test_training_images_are_seldom_found_poor():
    paths = sorted(TRAIN.rglob("*.jpg"))[::8][:300]
    hinted = sum(bool(find_codes(decode_image(path.read_bytes()))) for path in paths)
    assert hinted / len(paths) < 0.02
