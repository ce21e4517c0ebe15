import numpy as np
import pytest

from ml.imaging.views import FLIPS, VIEWS, average_views, change_view, restore_view

IMAGES = np.random.default_rng(0).integers(0, 256, size=(2, 5, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_undone(view):
    assert np.array_equal(restore_view(change_view(IMAGES, view), view), IMAGES)


@pytest.mark.parametrize("view", VIEWS)
def test_one_image_is_seen_as_a_batch_is(view):
    assert np.array_equal(change_view(IMAGES[0], view), change_view(IMAGES, view)[0])


def test_the_eight_views_differ():
    assert len({change_view(IMAGES, view).tobytes() for view in VIEWS}) == 8


@pytest.mark.parametrize("view", FLIPS)
def test_flips_keep_the_shape_of_any_image(view):
    assert change_view(IMAGES[:, :4], view).shape == (2, 4, 5, 3)


def test_one_view_is_returned_as_it_is():
    values = np.array([[0.0, 1.0, 0.3]])
    assert average_views(values) is values[0] or np.array_equal(average_views(values), values[0])


def test_views_are_averaged_on_the_logit_scale():
    p = average_views(np.array([[0.9, 0.5, 0.0], [0.5, 0.5, 1.0]]))
    assert p == pytest.approx([0.75, 0.5, 0.5], abs=1e-9)
