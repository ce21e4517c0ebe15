import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from ml.__main__ import main
from ml.datasets.sources import list_source_hold_outs, read_sourced_images
from ml.evaluation.metrics import measure_auc
from ml.serving.prediction import Predictor
from ml.serving.specification import ModelSpecification
from ml.training.activations import CachePlan, cache_activations, split_network
from ml.training.backbones import describe_weights
from ml.training.left_out_sources import judge_hold_out
from ml.training.plans import PlanError
from ml.training.probes import fit_probe, measure_signature
from ml.training.transfer import TransferPlan, put_probe, score_cut, tune_upper
from tests.ml.drawing import build_small, draw_lesion

CUT = "cut"
NO_FILE = None
PLAN = TransferPlan(
    "mobilenetv2-0.35", 32, CUT, copies=1, epochs=2, learning_rate=1e-3, pull=0.01, weights="random"
)


@pytest.fixture(scope="module", autouse=True)
def small():
    """A backbone of four layers in the place of fifty: what is asked is the recipe, not the network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ml.training.activations.build_backbone", build_small)
        yield


@pytest.fixture(scope="module")
def images(sourced_sets):
    return read_sourced_images(sourced_sets)


@pytest.fixture(scope="module")
def plan():
    return replace(PLAN, weights=describe_weights(NO_FILE))


@pytest.fixture(scope="module")
def cached(sourced_sets, images, plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("activations")

    def cache():
        return cache_activations(plan.cache, images, plan.copies, folder, data=sourced_sets, weights=NO_FILE)

    return folder, cache(), cache


def test_activations_are_computed_once_and_copies_differ(cached, images):
    folder, kept, cache = cached
    assert kept.features.shape[:2] == (2, len(images))
    assert not np.array_equal(kept.features[0], kept.features[1])
    shards = {path: path.stat().st_mtime_ns for path in folder.rglob("*.npz")}
    again = cache()
    assert np.array_equal(again.features, kept.features)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.npz")} == shards


def test_another_plan_has_another_place():
    assert CachePlan("a", 32, "", "w").folder != CachePlan("a", 32, "", "w", seed=1).folder


def test_the_probe_in_the_head_says_what_the_probe_says(cached, images):
    _, kept, _ = cached
    whole, upper, _ = split_network(PLAN.architecture, PLAN.input_size, CUT, NO_FILE)
    labels = np.array([image.label for image in images])
    probe = fit_probe(kept.features, labels, np.ones(len(images)), penalty=1e-2)
    put_probe(whole, probe)
    assert score_cut(upper, kept.cut[0]) == pytest.approx(probe.score(kept.features[0]), abs=0.02)


def test_fine_tuning_stopped_and_begun_again_ends_alike(cached, images, plan, tmp_path):
    _, kept, _ = cached
    learned = np.arange(len(images))

    def stop(_epoch):
        raise RuntimeError("stopped")

    whole = tune_upper(plan, images, kept, learned, tmp_path / "whole", weights=NO_FILE)
    with pytest.raises(RuntimeError, match="stopped"):
        tune_upper(plan, images, kept, learned, tmp_path / "stopped", weights=NO_FILE, after_epoch=stop)
    resumed = tune_upper(plan, images, kept, learned, tmp_path / "stopped", weights=NO_FILE)
    assert len(resumed.progress.history) == plan.epochs
    for first, second in zip(whole.end, resumed.end, strict=True):
        assert first == pytest.approx(second, abs=1e-5)
    assert any(not np.array_equal(a, b) for a, b in zip(whole.start, whole.end, strict=True))
    whole.set_mix(0.0)
    assert all(np.allclose(a, b) for a, b in zip(whole.upper.get_weights(), whole.start, strict=True))


def test_held_out_images_are_judged_and_kept(cached, images, plan, tmp_path):
    _, kept, _ = cached
    plan = replace(plan, epochs=0)
    hold_out = list_source_hold_outs(images)[0]
    first = judge_hold_out(plan, images, kept, hold_out, tmp_path, weights=NO_FILE)
    assert first.by_mix[1.0].shape == (hold_out.judged.sum(),)
    again = judge_hold_out(plan, images, kept, hold_out, tmp_path, weights=NO_FILE)
    assert np.array_equal(again.by_mix[1.0], first.by_mix[1.0])
    assert again.seconds == pytest.approx(first.seconds)


def test_directions_in_which_copies_differ_count_for_less():
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    lesion = labels * 1.0 + generator.normal(0, 0.5, 400)
    camera = labels * 1.5 + generator.normal(0, 0.5, 400)  # goes with the class in this archive alone
    copies = [np.stack([lesion, camera + generator.normal(0, 2, 400)], axis=1) for _ in range(3)]
    features = np.stack(copies).astype(np.float16)
    shares = []
    for nuisance in (0.0, 10.0):
        found = fit_probe(features, labels, np.ones(400), penalty=1e-3, nuisance=nuisance)
        shares.append(abs(found.weights[1]) / np.abs(found.weights).sum())
        assert measure_auc(found.score(features[0]), labels) > 0.8
    assert shares[1] < shares[0]


def test_a_source_that_can_be_read_off_is_found_and_one_that_cannot_is_not():
    generator = np.random.default_rng(1)
    features = generator.normal(size=(400, 4)).astype(np.float16)
    sources = np.repeat(["here", "there"], 200)
    labels, folds = np.zeros(400, dtype=np.int64), np.arange(400) % 4
    assert measure_signature(features, labels, sources, folds)["here, benign"] < 0.65
    features[:200, 0] += 6
    assert measure_signature(features, labels, sources, folds)["here, benign"] > 0.95


def test_a_plan_without_a_cut_cannot_be_tuned():
    with pytest.raises(PlanError, match="Expected a cut"):
        TransferPlan("mobilenetv2-0.35", epochs=1)


def test_the_command_stores_every_hold_out_and_the_worst(cached, sourced_sets, tmp_path, monkeypatch):
    folder, _, _ = cached
    monkeypatch.setenv("DERMAPORT_DATA", str(sourced_sets))
    monkeypatch.setattr("ml.commands.sources.find_weights", lambda _: NO_FILE)
    arguments = ["sources", "--name", "drawn", "--architecture", "mobilenetv2-0.35", "--input-size", "32"]
    arguments += ["--cut", CUT, "--copies", "1", "--penalty", "0.1"]
    arguments += [
        "--results",
        str(tmp_path / "results"),
        "--folder",
        str(tmp_path / "work"),
        "--cache",
        str(folder),
    ]
    assert main(arguments) == 0
    record = json.loads((tmp_path / "results" / "drawn.json").read_text())
    assert set(record["by_source"]) == {"ham10000", "msk", "uda", "isic2020", "unnamed", "msk+uda"}
    assert record["worst"] == min(
        record["by_source"][name]["auc"] for name in ("ham10000", "msk", "uda", "isic2020")
    )
    assert record["lesions"]["folds"] == 5
    assert main([*arguments, "--name", "rows", "--with-rows", "--only", "msk+uda", "msk", "isic2020"]) == 0
    with (tmp_path / "results" / "rows.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["source"] for row in rows if row["hold_out"] == "msk+uda"} == {"msk", "uda"}
    assert all(float(row["distance"]) > 0 for row in rows)
    assert main([*arguments, "--only", "nowhere"]) == 1
    network = tmp_path / "drawn.h5"
    assert (
        main(
            [
                "transfer",
                "--recipe",
                "rows",
                "--version",
                "2.0.0",
                "--output",
                str(network),
                *arguments[3:],
                "--without-test",
            ]
        )
        == 0
    )
    specification = ModelSpecification.load(network.with_suffix(".json"))
    found = Predictor(specification, network).measure([draw_lesion(1, malignant=True, size=32)])
    assert 0 <= found.probabilities[0] <= 1
    assert found.distances is not None
    assert specification.training["calibrated_on"] == "predictions of left-out sources, rows.csv"
