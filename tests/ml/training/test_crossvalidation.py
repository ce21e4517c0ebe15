import csv
import json

import pytest

from ml.__main__ import main
from ml.serving.device import configure_devices, find_backend
from ml.serving.specification import ModelSpecification
from ml.training.crossvalidation import read_out_of_fold


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
