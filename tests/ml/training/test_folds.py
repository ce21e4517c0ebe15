import numpy as np
import pytest

from ml.datasets.records import DataError, read_extra_records, read_labels, read_records
from ml.training.folds import assign_folds


@pytest.fixture
def records(drawn_set, drawn_extra):
    return [r for r in read_records(drawn_set) if r.split == "train"] + read_extra_records(drawn_extra)


def test_a_lesion_is_in_one_fold_only(records):
    folds = assign_folds(records, 3)
    for group in {record.group for record in records}:
        assert len({fold for fold, record in zip(folds, records, strict=True) if record.group == group}) == 1


def test_every_fold_holds_both_classes_of_both_sets_evenly(records):
    folds, labels = assign_folds(records, 3), read_labels(records)
    own = np.array([record.data_set == "fanconi-isic" for record in records])
    for part in (own, ~own):
        for label in (0, 1):
            counts = np.bincount(folds[part & (labels == label)], minlength=3)
            assert counts.max() - counts.min() <= 3
            assert counts.min() >= 1


def test_the_order_of_the_records_does_not_matter(records):
    by_path = {(r.data_set, r.path): f for r, f in zip(records, assign_folds(records, 3), strict=True)}
    turned = list(reversed(records))
    assert [by_path[r.data_set, r.path] for r in turned] == assign_folds(turned, 3).tolist()


def test_another_seed_gives_other_folds(records):
    assert not np.array_equal(assign_folds(records, 3), assign_folds(records, 3, seed=1))


def test_test_images_and_a_single_fold_are_refused(drawn_set, records):
    with pytest.raises(DataError, match="test split is for the final report"):
        assign_folds(read_records(drawn_set), 3)
    with pytest.raises(DataError, match="at least 2 folds, received 1"):
        assign_folds(records, 1)


def test_an_extra_image_says_its_set_and_its_hash(records):
    extra = [record for record in records if record.data_set == "ham10000-extra-train"]
    assert len(extra) == 12
    assert all(len(record.sha256) == 64 and record.split == "train" for record in extra)


def test_the_real_folds_never_split_a_lesion(real_set):
    records = [record for record in read_records(real_set) if record.split == "train"]
    folds, labels = assign_folds(records, 5), read_labels(records)
    groups = {}
    for record, fold in zip(records, folds, strict=True):
        assert groups.setdefault(record.group, fold) == fold
    assert len(records) == 2637
    shares = [labels[folds == fold].mean() for fold in range(5)]
    assert max(shares) - min(shares) < 0.01
