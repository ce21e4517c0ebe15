import pytest

from classifier.demo.lesions import draw_lesion
from classifier.domain.limits import UploadLimits
from classifier.engine.serving import check_image
from classifier.intake import inspect_image

KINDS = ("naevus", "melanoma", "blurred", "unclear")


def inspect(data):
    return inspect_image(data, "lesion.jpg", UploadLimits())


@pytest.mark.parametrize("kind", KINDS)
def test_the_gates_pass_a_drawn_lesion_unless_it_is_blurred(kind):
    image = inspect(draw_lesion(5, kind=kind))
    assert (image.format, image.width, image.height) == ("JPEG", 768, 576)
    found = check_image(image.pixels)
    codes = [refusal["code"] for refusal in found.verdict.refusals]
    assert codes == (["blurred"] if kind == "blurred" else [])
    assert kind == "blurred" or (found.state, found.kind) == ("good", "dermoscopic")


def test_the_same_seed_draws_the_same_lesion():
    assert draw_lesion(1, kind="naevus") == draw_lesion(1, kind="naevus")


def test_seeds_and_kinds_differ():
    drawn = {inspect(draw_lesion(seed, kind=kind)).pixel_sha256 for seed in range(2) for kind in KINDS}
    assert len(drawn) == 8


@pytest.mark.parametrize("size", [(224, 224), (300, 400)])
def test_any_size_can_be_drawn(size):
    image = inspect(draw_lesion(2, kind="melanoma", size=size))
    assert (image.width, image.height) == size


def test_a_melanoma_is_darker_and_larger_than_a_naevus():
    def count_dark(kind):
        pixels = inspect(draw_lesion(3, kind=kind, size=(300, 300))).pixels.convert("L")
        return sum(pixels.histogram()[40:90])

    assert count_dark("melanoma") > 3 * count_dark("naevus")
