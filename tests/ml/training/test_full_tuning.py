import csv
import json

import numpy as np
import pytest

from ml.__main__ import main
from ml.datasets.sources import SourcedImage, read_sourced_images
from ml.serving.prediction import Predictor
from ml.serving.specification import ModelSpecification
from ml.training.backbones import describe_weights
from ml.training.full_tuning import (
    DIAGNOSES,
    MALIGNANT,
    FullTuningPlan,
    describe_targets,
    draw_chances,
    fit_head,
    make_loss,
    read_pictures,
    sum_malignant,
    tune_whole,
)
from ml.training.plans import PlanError
from tests.ml.drawing import build_small, draw_lesion

PLAN = FullTuningPlan("mobilenetv2-0.35", 32, epochs=2, learning_rate=1e-3, weights="random")


@pytest.fixture
def small_backbone(monkeypatch):
    """A backbone of four layers in the place of fifty: what is asked is the tuning, not the network."""
    monkeypatch.setattr("ml.training.full_tuning.build_backbone", build_small)


def make_image(number, label, diagnosis, source="msk", data_set="extra-train-2"):
    return SourcedImage(
        data_set, f"{number}.jpg", f"{number:064x}", label, diagnosis, source, str(number), "cropped"
    )


def test_a_diagnosis_that_is_not_told_or_contradicts_the_label_teaches_the_verdict_alone():
    images = [
        make_image(0, 1, "mel"),
        make_image(1, 0, ""),
        make_image(2, 1, "bkl"),
        make_image(3, 0, "vasc"),
    ]
    targets = describe_targets(images)
    assert targets[:, 0].tolist() == [1, 0, 1, 0]
    assert [row[1:].tolist() for row in targets[1:3]] == [[0] * 7] * 2
    assert DIAGNOSES[int(targets[0, 1:].argmax())] == "mel"
    assert DIAGNOSES[int(targets[3, 1:].argmax())] == "vasc"


def test_rare_diagnoses_are_drawn_more_often_without_changing_what_the_class_weighs():
    names = ["nv"] * 36 + ["df"] * 4 + ["mel"] * 10
    images = [make_image(n, int(name == "mel"), name) for n, name in enumerate(names)]
    even = draw_chances(FullTuningPlan("mobilenetv2-0.35", rare=0.0), images)
    rare = draw_chances(FullTuningPlan("mobilenetv2-0.35", rare=1.0), images)
    chosen = np.array(names)
    assert even.sum() == pytest.approx(1)
    assert rare[chosen == "mel"].sum() == pytest.approx(even[chosen == "mel"].sum()) == pytest.approx(0.5)
    assert even[chosen == "df"].sum() == pytest.approx(0.05)
    assert rare[chosen == "df"].sum() == pytest.approx(0.25)


def test_the_loss_is_the_verdict_and_where_it_is_told_the_diagnosis_within_its_class():
    plan = FullTuningPlan("mobilenetv2-0.35", label_smoothing=0.0, naming=0.5)
    p = np.array([[0.4, 0.3, 0.1, 0.1, 0.05, 0.03, 0.02]], dtype=np.float32)
    images = [make_image(0, 1, "mel"), make_image(1, 0, "")]
    loss = make_loss(plan)
    told, untold = (float(loss(row[None], p)) for row in describe_targets(images))
    assert told == pytest.approx(-np.log(0.5) - 0.5 * np.log(0.3 / 0.5), abs=1e-5)
    assert untold == pytest.approx(-np.log(0.5), abs=1e-5)


def test_the_verdict_is_the_sum_of_the_malignant():
    p = np.array([[0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1]], dtype=np.float32)
    assert sum_malignant(p)[0] == pytest.approx(0.6)
    assert set(MALIGNANT) < set(DIAGNOSES)


def test_the_head_learns_verdict_and_diagnosis_from_features():
    generator = np.random.default_rng(0)
    names = np.array(DIAGNOSES)[np.arange(210) % 7].tolist()
    images = [make_image(n, int(name in MALIGNANT), name if n % 3 else "") for n, name in enumerate(names)]
    places = np.arange(210) % 7
    features = (np.eye(7)[places] * 4 + generator.normal(size=(210, 7)) + 3).astype(np.float32)
    kernel, bias = fit_head(
        features, describe_targets(images), np.full(210, 1 / 210), penalty=1e-3, naming=0.5
    )
    z = features @ kernel + bias
    assert (z.argmax(axis=1) == places).mean() > 0.85


def test_a_plan_without_an_epoch_is_refused():
    with pytest.raises(PlanError, match="at least 1 epoch"):
        FullTuningPlan("mobilenetv2-0.35", epochs=0)


@pytest.mark.usefixtures("small_backbone")
def test_tuning_stopped_and_begun_again_ends_alike(sourced_sets, tmp_path):
    pictures = read_pictures(read_sourced_images(sourced_sets), sourced_sets, tmp_path)
    learned = np.arange(0, len(pictures.images), 2)

    def stop(_row):
        raise RuntimeError("stopped")

    whole = tune_whole(PLAN, pictures, learned, tmp_path / "whole", weights=None)
    with pytest.raises(RuntimeError, match="stopped"):
        tune_whole(PLAN, pictures, learned, tmp_path / "stopped", weights=None, after_epoch=stop)
    resumed = tune_whole(PLAN, pictures, learned, tmp_path / "stopped", weights=None)
    for first, second in zip(whole.end, resumed.end, strict=True):
        assert first == pytest.approx(second, abs=1e-5)
    moved = [not np.array_equal(a, b) for a, b in zip(whole.start, whole.end, strict=True)]
    assert moved == [True] * 4 + [False] * 4 + [True] * 2  # every layer but the batch normalisation's
    again = read_pictures(pictures.images, tmp_path / "nowhere", tmp_path)
    assert np.array_equal(again.pixels, pictures.pixels)


@pytest.mark.usefixtures("small_backbone")
def test_the_command_judges_sources_and_releases_a_network_of_diagnoses(sourced_sets, tmp_path, monkeypatch):
    monkeypatch.setenv("DERMAPORT_DATA", str(sourced_sets))
    arguments = ["tune", "--name", "drawn", "--architecture", "mobilenetv2-0.35", "--input-size", "32"]
    arguments += ["--epochs", "1", "--results", str(tmp_path / "results"), "--folder", str(tmp_path / "work")]
    monkeypatch.setattr("ml.commands.tune.find_weights", lambda _: None)
    assert main([*arguments, "--with-rows", "--only", "msk", "isic2020"]) == 0
    record = json.loads((tmp_path / "results" / "drawn.json").read_text())
    assert set(record["by_source"]) == {"msk", "isic2020"}
    assert record["plan"]["weights"] == describe_weights(None)
    with (tmp_path / "results" / "drawn.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        named = {name: float(row[f"p_{name}"]) for name in DIAGNOSES}
        assert sum(named[name] for name in MALIGNANT) == pytest.approx(float(row["probability"]), abs=1e-4)
        assert float(row["distance"]) > 0
    assert main([*arguments, "--only", "nowhere"]) == 1
    network = tmp_path / "drawn.h5"
    assert main([*arguments, "--release", "2.0.0", "--output", str(network), "--without-test"]) == 0
    specification = ModelSpecification.load(network.with_suffix(".json"))
    assert specification.classes == DIAGNOSES
    found = Predictor(specification, network).measure([draw_lesion(1, malignant=True, size=32)])
    assert 0 <= found.probabilities[0] <= 1
    assert found.distances is not None
