"""What the form says of a reduced copy is what the worker says of the picture itself."""

import numpy as np
import pytest
from PIL import Image

from ml.datasets.records import find_data_root
from ml.evaluation.gates.copies import LONGEST, choose_margins, vary_quality
from ml.evaluation.gates.pictures import blur_evenly, list_images, read_pictures, reduce_picture
from ml.gates.specification import CHANGING
from ml.gates.verdict import Gates, look_at
from tests.ml.drawing import draw_lesion

FILTERS = [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.HAMMING]


@pytest.fixture(scope="module")
def gates():
    return Gates.load()


def check_both(gates, picture, filter_):
    """The worker's refusals of `picture`, and what the check says of its copy."""
    copy = reduce_picture(picture, LONGEST, filter_, 90)
    (verdict,) = gates.decide([look_at(picture)])
    return set(verdict.codes), gates.check(look_at(copy, (picture.shape[1], picture.shape[0])))


def is_one_answer(refusals, check):
    """Good only where the worker takes it, and refused only where it refuses."""
    if not check.refused and not check.doubted:
        return not refusals
    return set(check.refused) <= refusals


@pytest.mark.parametrize("size", [(1100, 900), (2000, 1500)])
@pytest.mark.parametrize("filter_", FILTERS)
def test_a_drawn_picture_and_its_copy_get_one_answer(gates, size, filter_):
    drawn = Image.fromarray(draw_lesion(1, malignant=True, size=224))
    whole = np.asarray(drawn.resize(size, Image.Resampling.BICUBIC))
    checks = {}
    for radius in (0, 0.8, 1.2, 1.6, 2, 3):
        picture = blur_evenly(whole, radius * float(np.sqrt(size[0] * size[1])) / 224)
        refusals, checks[radius] = check_both(gates, picture, filter_)
        assert is_one_answer(refusals, checks[radius]), radius
    # One that doubts everything would contradict nothing.
    assert not checks[0].refused
    assert not checks[0].doubted
    assert "blurred" in checks[3].refused


def test_a_picture_no_larger_than_a_copy_is_sent_as_it_is():
    picture = draw_lesion(1, malignant=True, size=400)
    assert reduce_picture(picture, LONGEST, Image.Resampling.BILINEAR, 90) is picture


def test_a_real_picture_and_its_copy_get_one_answer(gates):
    paths = list_images(find_data_root().parent / "isic-archive-mixed/originals")
    if not paths:
        pytest.skip("the image sets are not on this machine; set DERMAPORT_DATA")
    for picture in read_pictures(paths):
        for varied in vary_quality(picture):
            assert is_one_answer(*check_both(gates, varied, Image.Resampling.BICUBIC))


def test_a_copy_near_a_limit_is_doubted_and_says_so(gates):
    look = look_at(draw_lesion(1, malignant=True))
    limits, margins = gates.specification.limits, gates.specification.margins
    near = {**look.figures, "sharpness": limits["sharpness_least"] + margins["sharpness"] / 2}
    found = gates.check(type(look)(look.pixels, near))
    assert ("blurred" in found.refused, "blurred" in found.doubted) == (False, True)
    far = {**look.figures, "sharpness": limits["sharpness_least"] - 2 * margins["sharpness"]}
    assert "blurred" in gates.check(type(look)(look.pixels, far)).refused


def test_margins_are_half_more_than_measured_and_never_nothing():
    limits = {
        "sharpness_least": 0.1,
        "contrast_least": 15.0,
        "brightness_least": 50.0,
        "brightness_most": 230.0,
        "bright_share_most": 0.3,
        "dark_share_most": 0.65,
        "domain_distance_most": 2.5,
    }
    measures = {measure: {"near": 5, "greatest": 0.0} for measure in CHANGING}
    measures["sharpness"] = {"near": 5, "greatest": 0.02}
    margins = choose_margins({"measures": measures}, limits)
    assert margins["sharpness"] == pytest.approx(0.03)
    assert margins["brightness"] == pytest.approx(0.5)
    assert all(margin > 0 for margin in margins.values())
