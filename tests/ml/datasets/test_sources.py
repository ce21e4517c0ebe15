import numpy as np
import pytest

from ml.datasets.records import DataError, deal_groups, find_data_root
from ml.datasets.sources import (
    HOLD_OUTS,
    SourcedImage,
    balance_weights,
    count_images,
    drop_seen,
    list_lesion_hold_outs,
    list_source_hold_outs,
    place_id,
    read_repeated_lesions,
    read_sourced_images,
)


@pytest.fixture(scope="module")
def images(sourced_sets):
    return read_sourced_images(sourced_sets)


@pytest.fixture(scope="module")
def real_images():
    if not all(
        (find_data_root(name) / "manifest.sha256").is_file() for name in ("fanconi-isic", "extra-train-2")
    ):
        pytest.skip("the training sets are not on this machine; set DERMAPORT_DATA")
    return read_sourced_images()


def test_each_image_has_the_source_that_the_tables_tell(images):
    by_key = {image.key: image for image in images}
    assert by_key["fanconi-isic/train/benign/0.png"].source == "ham10000"
    assert by_key["fanconi-isic/train/malignant/0.png"].source == "msk"
    assert by_key["fanconi-isic/train/malignant/1.png"].source == "uda"
    assert by_key["fanconi-isic/train/malignant/15.png"].source == "unnamed"
    assert {image.source for image in images if image.data_set == "ham10000-extra-train"} == {"ham10000"}
    assert {image.frame for image in images if image.data_set == "fanconi-isic"} == {"squashed"}
    assert not any(image.path.startswith("test/") for image in images)


def test_a_lesion_told_in_two_sets_is_one_group(images):
    by_key = {image.key: image for image in images}
    paper, archived = by_key["fanconi-isic/train/malignant/0.png"], by_key["extra-train-2/train/0.png"]
    assert paper.group == archived.group
    assert by_key["extra-train-2/train/1.png"].group != archived.group
    # Near duplicates stay together as before.
    assert len({by_key[f"fanconi-isic/train/benign/{n}.png"].group for n in (0, 1, 2)}) == 1


def test_what_is_left_out_is_never_learned_from(images):
    groups = np.array([image.group for image in images])
    for hold_out in [*list_source_hold_outs(images), *list_lesion_hold_outs(images, folds=3)]:
        assert not set(groups[hold_out.held_out]) & set(groups[~hold_out.held_out])
        assert np.all(hold_out.held_out[hold_out.judged])
    names = [hold_out.name for hold_out in list_source_hold_outs(images)]
    assert names == list(HOLD_OUTS)


def test_a_source_of_one_class_is_judged_beside_the_other_class_of_its_set(images):
    (unnamed,) = (each for each in list_source_hold_outs(images, folds=4) if each.name == "unnamed")
    judged = [images[index] for index in np.flatnonzero(unnamed.judged)]
    assert {image.source for image in judged if image.label} == {"unnamed"}
    assert {image.data_set for image in judged if not image.label} == {"fanconi-isic"}


def test_every_image_is_held_out_in_one_fold(images):
    folds = np.stack([hold_out.judged for hold_out in list_lesion_hold_outs(images, folds=3)])
    assert np.all(folds.sum(axis=0) == 1)


def test_what_the_start_has_learned_from_is_not_judged(images):
    seen = ["fanconi-isic", "ham10000-extra-train"]
    fresh = drop_seen(list_source_hold_outs(images), images, seen)
    assert [each.name for each in fresh] == ["msk", "uda", "isic2020", "msk+uda"]
    for before, after in zip(list_source_hold_outs(images)[1:4], fresh, strict=False):
        assert np.array_equal(before.held_out, after.held_out)
        assert {images[index].data_set for index in np.flatnonzero(after.judged)} == {"extra-train-2"}


def test_no_source_tells_the_class_by_its_weight(images):
    weights = balance_weights(images, most=100.0)
    labels = np.array([image.label for image in images])
    assert weights[labels == 1].sum() == pytest.approx(weights[labels == 0].sum())
    assert weights.mean() == pytest.approx(1.0)
    for data_set in ("extra-train-2", "ham10000-extra-train"):
        for source in ("ham10000", "msk", "uda", "isic2020"):
            own = np.array([image.data_set == data_set and image.source == source for image in images])
            if own.any():
                assert weights[own & (labels == 1)].sum() == pytest.approx(
                    weights[own & (labels == 0)].sum(), rel=0.1
                )
    bounded = balance_weights(images, most=1.5)
    assert bounded.max() < weights.max()
    with pytest.raises(DataError, match="both classes"):
        balance_weights([image for image in images if image.label])


@pytest.mark.parametrize(
    ("identity", "source"),
    [("ISIC_0000410", "uda"), ("ISIC_0001102", "uda"), ("ISIC_0013316", "msk"), ("ISIC_0027197", "ham10000")],
)
def test_an_id_of_the_archive_tells_the_source(identity, source):
    assert place_id(identity) == source


def test_a_name_that_is_no_id_is_refused():
    with pytest.raises(DataError, match="received 'M10K_4'"):
        place_id("M10K_4")


def test_groups_are_dealt_whole_and_evenly():
    groups = [f"g{number // 2}" for number in range(40)]
    folds = deal_groups(groups, [("a", number // 20) for number in range(40)], 4)
    assert all(folds[number] == folds[number + 1] for number in range(0, 40, 2))
    assert np.bincount(folds[:20]).max() - np.bincount(folds[:20]).min() <= 2


def test_the_real_sets_are_what_their_tables_say(real_images):
    assert count_images(real_images) == {
        "ham10000": (4093, 838),
        "msk": (1390, 353),
        "uda": (197, 30),
        "isic2020": (870, 456),
        "unnamed": (0, 368),
    }
    assert len({image.group for image in real_images}) == 8159
    assert {name: len(paths) for name, paths in read_repeated_lesions().items()} == {
        "fanconi-isic": 98,
        "ham10000-subset": 27,
    }
    groups: dict[str, set[int]] = {}
    for image in real_images:
        groups.setdefault(image.group, set()).add(image.label)
    # A patient of ISIC 2020 can have both; no lesion has.
    assert {image.source for image in real_images if len(groups[image.group]) > 1} <= {"isic2020"}


def test_an_image_names_its_file():
    image = SourcedImage("set", "a/b.jpg", "0" * 64, 0, "nv", "msk", "g", "squashed")
    assert image.key == "set/a/b.jpg"
