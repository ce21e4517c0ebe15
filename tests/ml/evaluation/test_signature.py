import numpy as np
import pytest

from ml.commands.signature import choose_images
from ml.datasets.sources import read_sourced_images
from ml.evaluation.signature import VARIANTS, measure_changes
from tests.ml.drawing import draw_lesion

IMAGES = [draw_lesion(seed, malignant=bool(seed % 2)) for seed in range(2)]


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_changes_the_pixels_and_keeps_the_shape(name):
    _, change = VARIANTS[name]
    changed = change(IMAGES[0])
    assert (changed.shape, changed.dtype) == (IMAGES[0].shape, np.uint8)
    assert not np.array_equal(changed, IMAGES[0])


def test_a_figure_that_looks_at_the_picture_alone_stays_and_one_that_looks_at_the_light_moves():
    steady = measure_changes(lambda images: np.full(len(images), 0.4), IMAGES)
    assert steady["all"] == {"mean": 0.0, "largest": 0.0}
    lit = measure_changes(lambda images: np.array([image[..., 2].mean() / 255 for image in images]), IMAGES)
    assert lit["warm_light"]["mean"] > 0.02 > lit["jpeg_90"]["mean"]
    assert lit["all"]["largest"] == max(each["largest"] for each in lit.values())


def test_as_many_images_of_each_source_and_class_are_taken_whatever_their_order(sourced_sets):
    images = read_sourced_images(sourced_sets)
    chosen = choose_images(images, 3)
    assert chosen == choose_images(images[::-1], 3)
    counts = {}
    for image in chosen:
        counts[image.source, image.label] = counts.get((image.source, image.label), 0) + 1
    assert max(counts.values()) == 3
