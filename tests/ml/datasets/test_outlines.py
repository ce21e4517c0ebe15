"""The pictures with an expert's outline: whole lesions a fold, and files that are the manifest's."""

from collections import Counter

import numpy as np
import pytest

from ml.datasets.outlines import (
    OUTLINE_SET,
    deal_folds,
    load_outlined_pixels,
    read_checked,
    read_mask,
    read_outlined_images,
)
from ml.datasets.records import DataError, find_data_root


@pytest.fixture(scope="module")
def images():
    if not (find_data_root(OUTLINE_SET) / "manifest.sha256").is_file():
        pytest.skip("isic2017-segmentation is not on this machine; set DERMAPORT_DATA")
    return read_outlined_images()


def test_each_image_is_held_out_once_and_its_lesion_with_it(images):
    folds = deal_folds(images)
    assert len(images) == 200
    assert Counter(image.label for image in images) == {0: 100, 1: 100}
    homes = {}
    for image, fold in zip(images, folds, strict=True):
        assert homes.setdefault(image.lesion, fold) == fold
    classes = Counter((int(fold), image.label) for image, fold in zip(images, folds, strict=True))
    assert all(18 <= count <= 22 for count in classes.values())


def test_pictures_and_masks_come_on_one_grid(images):
    pixels, masks = load_outlined_pixels(images[:2], 64)
    assert (pixels.shape, masks.shape) == ((2, 64, 64, 3), (2, 64, 64))
    truth = read_mask(find_data_root(OUTLINE_SET), images[0])
    assert masks[0].mean() == pytest.approx(truth.mean(), abs=0.01)
    assert np.all((masks >= 0) & (masks <= 1))


def test_a_missing_set_and_a_changed_file_are_refused(tmp_path):
    with pytest.raises(DataError, match="Set DERMAPORT_DATA"):
        read_outlined_images(tmp_path)
    (tmp_path / "a.png").write_bytes(b"other")
    with pytest.raises(DataError, match="expected SHA-256 00"):
        read_checked(tmp_path / "a.png", "00")
