import csv
import json

import numpy as np
import pytest

from ml.__main__ import main
from ml.datasets.records import DataError, read_extra_records, read_labels, read_records
from ml.serving.device import configure_devices, find_backend
from ml.serving.specification import ModelSpecification
from ml.training.crossvalidation import assign_folds, read_out_of_fold


@pytest.fixture(scope="module")
def results(drawn_set, drawn_extra, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crossvalidated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DERMAPORT_DATA", str(drawn_set.parent))
        assert crossvalidate(folder) == 0
    return folder


def crossvalidate(folder):
    arguments = ["crossvalidate", "--name", "drawn", "--folds", "2", "--input-size", "32"]
    arguments += ["--epochs", "2", "--views", "2", "--folder", str(folder / "work")]
    arguments += ["--data-sets", "fanconi-isic", "ham10000-extra-train"]
    return main([*arguments, "--results", str(folder)])


def test_every_train_image_is_judged_once_and_no_test_image(results):
    with (results / "drawn.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len({(row["data_set"], row["path"]) for row in rows}) == 32 + 12
    assert all(row["path"].startswith("train/") for row in rows)
    folds = {}
    assert all(folds.setdefault(row["group"], row["fold"]) == row["fold"] for row in rows)


def test_the_summary_says_plan_folds_and_figures(results):
    summary = json.loads((results / "drawn.json").read_text())
    assert summary["plan"]["epochs"] == 2
    assert summary["held_out"] == [0, 1]
    assert summary["device"] == configure_devices()
    assert summary["backend"] == find_backend()
    assert summary["figures"]["images"] == 32
    assert summary["all_sets"]["images"] == 44
    assert [len(history) for history in summary["history"]] == [2, 2]


def test_again_from_the_checkpoints_gives_the_same_files(results, drawn_data):
    before = [(results / f"drawn.{kind}").read_bytes() for kind in ("json", "csv")]
    assert crossvalidate(results) == 0
    assert [(results / f"drawn.{kind}").read_bytes() for kind in ("json", "csv")] == before


def test_a_network_of_all_train_images_is_calibrated_on_the_held_out_ones(results, drawn_data, tmp_path):
    model = tmp_path / "drawn.h5"
    arguments = ["train", "--output", str(model), "--folder", str(tmp_path / "work"), "--views", "2"]
    arguments += ["--input-size", "32", "--epochs", "3", "--calibration", str(results / "drawn.csv")]
    assert main(arguments) == 0
    specification = ModelSpecification.load(model.with_suffix(".json"))
    assert specification.training["training_images"] == 32
    assert specification.training["validation_images"] == 0
    assert specification.views == ("identity", "flip_left_right")
    assert specification.metrics["out_of_fold"]["images"] == 32


def test_held_out_images_of_every_set_that_a_network_learns_from_are_read(results):
    for sets, count in ((["fanconi-isic"], 32), (["fanconi-isic", "ham10000-extra-train"], 44)):
        probabilities, labels = read_out_of_fold(results / "drawn.csv", sets)
        assert len(probabilities) == len(labels) == count
    with pytest.raises(ValueError, match=r"of ood in drawn\.csv, received none"):
        read_out_of_fold(results / "drawn.csv", ["ood"])


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
