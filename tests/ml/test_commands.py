import csv
import json

import numpy as np
import pytest

from ml.__main__ import main
from ml.serving.calibration import Calibration
from ml.serving.policy import DecisionPolicy
from ml.serving.specification import ModelSpecification


@pytest.fixture(scope="module")
def trained(drawn_set, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    arguments = ["train", "--folder", str(folder / "work"), "--output", str(folder / "drawn.h5")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DERMAPORT_DATA", str(drawn_set.parent))
        assert main([*arguments, "--input-size", "32", "--epochs", "6"]) == 0
    return folder / "drawn.h5"


def evaluate(model, images, output):
    return main(["evaluate", "--model", str(model), "--images", str(images), "--output", str(output)])


def read_rows(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_train_writes_a_network_and_its_specification(trained):
    specification = ModelSpecification.load(trained.with_suffix(".json"))
    assert specification.file == "drawn.h5"
    assert specification.input_size == (32, 32)
    assert specification.calibration["method"] == "platt"
    assert "non-commercial" in specification.licence
    assert specification.training["seed"] == 0
    metrics = specification.metrics
    assert [metrics[name]["images"] for name in ("test", "test_clean")] == [12, 10]
    assert metrics["train"]["images"] + metrics["validation"]["images"] == 32
    assert metrics["test"]["auc"]["value"] == 1.0


def test_training_again_from_the_checkpoint_gives_the_same_file(drawn_data, trained, capsys):
    before = (trained.read_bytes(), trained.with_suffix(".json").read_bytes())
    arguments = ["train", "--folder", str(trained.parent / "work")]
    arguments += ["--output", str(trained), "--input-size", "32", "--epochs", "6"]
    assert main(arguments) == 0
    assert (trained.read_bytes(), trained.with_suffix(".json").read_bytes()) == before
    assert "Epoch" not in capsys.readouterr().out


def test_plans_are_compared_without_the_test_images(drawn_data, tmp_path):
    model = tmp_path / "drawn.h5"
    arguments = ["train", "--folder", str(tmp_path / "work")]
    arguments += ["--output", str(model), "--input-size", "32", "--epochs", "3", "--without-test"]
    assert main(arguments) == 0
    assert set(json.loads(model.with_suffix(".json").read_text())["metrics"]) == {
        "train",
        "validation",
        "intervals",
    }


def test_evaluate_writes_what_the_specification_reports(drawn_set, trained, tmp_path, capsys):
    output = tmp_path / "predictions.csv"
    assert evaluate(trained, drawn_set / "test", output) == 0
    rows = read_rows(output)
    assert [row["path"] for row in rows][:2] == ["benign/0.png", "benign/1.png"]
    assert len(rows) == 12
    specification = ModelSpecification.load(trained.with_suffix(".json"))
    raw = np.array([float(row["probability"]) for row in rows])
    calibrated = np.array([float(row["calibrated_probability"]) for row in rows])
    assert np.array_equal(Calibration.from_dict(specification.calibration).apply(raw), calibrated)
    policy = DecisionPolicy.from_dict(specification.policy)
    assert policy.outcomes(calibrated) == [row["outcome"] for row in rows]
    said = [row["label"] == "malignant" for row in rows]
    accuracy = np.mean((calibrated >= policy.threshold) == said)
    assert accuracy == pytest.approx(specification.metrics["test"]["accuracy"]["value"], abs=1e-6)
    assert f"{accuracy:.3f} (" in capsys.readouterr().out


def test_a_flat_folder_has_no_labels_and_a_broken_image_is_rejected(drawn_set, trained, tmp_path, capsys):
    folder = tmp_path / "flat"
    folder.mkdir()
    (folder / "a.png").write_bytes((drawn_set / "test/benign/0.png").read_bytes())
    (folder / "b.jpg").write_bytes(b"not an image")
    (folder / "notes.txt").write_text("not looked at")
    output = tmp_path / "flat.csv"
    assert evaluate(trained, folder, output) == 0
    first, second = read_rows(output)
    assert (first["path"], first["label"], first["error"]) == ("a.png", "", "")
    assert 0 <= float(first["probability"]) <= 1
    assert (second["outcome"], second["probability"]) == ("rejected", "")
    assert second["error"] == "unsupported_format"
    assert "No figures" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["empty", "missing"])
def test_a_folder_without_images_is_an_error_in_words(trained, tmp_path, place, capsys):
    (tmp_path / "empty").mkdir()
    assert evaluate(trained, tmp_path / place, tmp_path / "none.csv") == 1
    assert "Expected images in" in capsys.readouterr().err


def test_an_exchanged_network_is_an_error_in_words(drawn_set, trained, tmp_path, capsys):
    model = tmp_path / "drawn.h5"
    model.write_bytes(trained.read_bytes() + b"\0")
    model.with_suffix(".json").write_bytes(trained.with_suffix(".json").read_bytes())
    assert evaluate(model, drawn_set / "test", tmp_path / "none.csv") == 1
    assert "sha256_mismatch" in capsys.readouterr().err
