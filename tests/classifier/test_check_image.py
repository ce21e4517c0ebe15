"""The check of a picture before it is sent: bytes or pixels, whole or as a reduced copy."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from classifier.domain.vocabulary import CaptureKind
from classifier.engine import serving
from classifier.engine.serving import UnusableImageError, check_image
from tests.ml.drawing import draw_lesion


def encode(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=90)
    return target.getvalue()


def draw(size: int) -> Image.Image:
    return Image.fromarray(draw_lesion(1, malignant=True, size=size))


def test_the_copy_is_checked_by_the_size_of_the_original():
    copy = encode(draw(210))
    assert "too_small" in [one["code"] for one in check_image(copy).messages]
    assert "too_small" not in [one["code"] for one in check_image(copy, (4032, 3024)).messages]
    small = check_image(encode(draw(400)), (400, 200))
    assert small.state == "refused"
    assert "200 pixels on its short side" in small.messages[0]["message"]


def test_bytes_and_pixels_get_one_answer():
    picture = draw(300)
    target = io.BytesIO()
    picture.save(target, "PNG")
    assert check_image(target.getvalue()) == check_image(picture) == check_image(np.asarray(picture))


def test_without_a_size_it_is_the_workers_own_verdict():
    picture = draw(300).filter(ImageFilter.GaussianBlur(5))
    found = check_image(picture)
    (verdict,) = serving.assess([serving.look_at(np.asarray(picture))])
    assert (found.state, found.messages, found.verdict) == ("refused", verdict.refusals, verdict)


def test_a_blurred_copy_is_refused_in_the_workers_words():
    picture = draw(300).filter(ImageFilter.GaussianBlur(5))
    found = check_image(encode(picture), (1200, 1200))
    assert found.state == "refused"
    sentences = {one["code"]: one["message"] for one in found.messages}
    assert sentences["blurred"].startswith("This picture isn't sharp enough for the model.")


def test_the_proposed_kind_is_one_that_can_be_stored():
    assert check_image(draw(300)).kind in ("", *CaptureKind.values)


@pytest.mark.parametrize("size", [(0, 10), (10, -1)])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(ValueError, match="Expected a size"):
        check_image(draw(100), size)


def test_bytes_that_are_no_picture_are_refused():
    with pytest.raises(UnusableImageError):
        check_image(b"no picture", (100, 100))
