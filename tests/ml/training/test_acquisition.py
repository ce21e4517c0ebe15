import numpy as np
import pytest
from PIL import Image

from ml.evaluation.signature import balance_light, reframe, store_jpeg
from ml.training.acquisition import redraw_acquisition
from tests.ml.drawing import draw_lesion


def draw_ellipse(ratio, side=96):
    """A dark ellipse, `ratio` as wide as high, on a light ground."""
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    inside = np.hypot(rows, columns / ratio) < side * 0.3
    return np.where(inside[..., None], 40, 220).astype(np.uint8).repeat(3, axis=2)


def measure_ratio(image):
    dark = image[..., 0] < 130
    return dark.any(axis=0).sum() / dark.any(axis=1).sum()


def test_the_same_seed_draws_the_same_picture_and_another_seed_another():
    image = draw_lesion(1, malignant=True, size=64)
    first, again, other = (
        redraw_acquisition(image, np.random.default_rng(seed), side=48, squashed=True) for seed in (3, 3, 4)
    )
    assert first.shape == (48, 48, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("own", [0.75, 1.0])
@pytest.mark.parametrize("aspect", [0.75, 0.9, 1.0])
def test_any_proportion_is_reached_from_a_squashed_and_from_a_cut_frame(own, aspect):
    changed = reframe(draw_ellipse(own), 96, own=own, aspect=aspect)
    assert measure_ratio(changed) == pytest.approx(aspect, abs=0.04)


def test_both_kinds_of_frame_get_the_same_proportions():
    ratios = {}
    for squashed in (True, False):
        image = draw_ellipse(0.75 if squashed else 1.0)
        found = []
        for seed in range(200):
            changed = redraw_acquisition(image, np.random.default_rng(seed), side=64, squashed=squashed)
            ratio = measure_ratio(changed)
            if 0 < ratio < 3:
                found.append(min(ratio, 1 / ratio))
        ratios[squashed] = np.median(found)
    assert ratios[True] == pytest.approx(ratios[False], abs=0.05)


def test_the_colour_of_the_light_is_taken_out():
    image = draw_lesion(2, malignant=False, size=48)
    tinted = np.clip(image * np.array([1.0, 0.8, 0.6]), 0, 255).astype(np.uint8)

    def spread(pixels):
        means = pixels.reshape(-1, 3).mean(axis=0)
        return means.max() / means.min()

    assert spread(balance_light(tinted)) < 1.2 < spread(tinted)
    assert np.abs(balance_light(tinted, strength=0.0).astype(int) - tinted).max() <= 1


def test_a_jpeg_of_less_chroma_keeps_less_colour():
    checks = (np.indices((48, 48)).sum(axis=0) % 2)[..., None] * np.array([200, 0, -200]) + np.array(
        [20, 90, 220]
    )
    picture = Image.fromarray(np.clip(checks, 0, 255).astype(np.uint8))
    errors = [
        np.abs(np.asarray(store_jpeg(picture, 95, subsampling)).astype(int) - np.asarray(picture)).mean()
        for subsampling in range(3)
    ]
    assert errors[0] < errors[1] <= errors[2] + 1
