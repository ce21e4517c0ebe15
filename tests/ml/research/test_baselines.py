import csv
import json
import shutil

import numpy as np
import pytest

from ml.__main__ import main
from ml.datasets.image_sets import SetImage
from ml.evaluation.metrics import measure_auc
from ml.research.baselines import trial
from ml.research.baselines.alexnet import AlexNetPlan, build_alexnet
from ml.research.baselines.classifiers import fit_linear, fit_perceptron, fit_svm
from ml.research.baselines.handmade import (
    measure_binary_patterns,
    measure_cooccurrence,
    measure_texture,
    measure_wavelets,
)
from ml.research.baselines.improvement import (
    STAGES,
    close_line,
    equalise_contrast,
    fill_in,
    find_hair,
    remove_hair,
)
from ml.research.baselines.material import fix_random_weights, list_fits, read_material
from ml.research.baselines.runs import measure_tests, plan_baseline, run_baseline
from ml.research.baselines.systems import SYSTEMS
from ml.research.baselines.trial import TrialImage, measure_gain, measure_gains
from ml.research.report.baselines import write_baselines, write_improvement
from ml.research.report.stored import Results
from ml.training.backbones import build_backbone
from tests.ml.drawing import draw_lesion, write_table

# --- Features


def test_texture_of_a_flat_picture_and_of_stripes():
    flat = np.full((32, 32), 130, np.uint8)
    contrast, dissimilarity, homogeneity, energy, correlation, entropy = measure_cooccurrence(flat)[:6]
    assert (contrast, dissimilarity, homogeneity, energy, correlation, entropy) == (0, 0, 1, 1, 1, 0)
    patterns = measure_binary_patterns(flat)
    assert patterns[8] == patterns[18] == 1  # all eight neighbours are as bright
    striped = np.tile(np.array([0, 255], np.uint8), (32, 16))
    # Across the stripes and diagonally every pair is 15 levels apart, along them none: 15² in three of four directions.
    assert measure_cooccurrence(striped)[0] == pytest.approx(225 * 3 / 4)
    assert measure_cooccurrence(striped)[6] == pytest.approx(225)  # the range over the directions


def test_texture_does_not_change_when_the_picture_is_turned():
    pixels = draw_lesion(3, malignant=True, size=64)
    turned = np.ascontiguousarray(np.rot90(pixels))
    assert measure_texture(pixels) == pytest.approx(measure_texture(turned), abs=1e-5)
    assert measure_texture(pixels).shape == (44,)
    assert measure_binary_patterns(pixels[..., 0])[:10].sum() == pytest.approx(1)


def test_wavelets_tell_fine_detail_from_none_and_its_direction():
    flat = measure_wavelets(np.full((64, 64, 3), 130, np.uint8))
    rows = np.repeat(np.tile(np.array([0, 255], np.uint8), 32)[:, None], 64, axis=1)
    upright = measure_wavelets(np.repeat(rows.T[..., None], 3, axis=2))
    level = measure_wavelets(np.repeat(rows[..., None], 3, axis=2))
    assert flat.shape == (60,)
    finest = slice(14, 20, 2)  # horizontal, vertical and diagonal detail of the finest level, first colour
    assert (flat[finest] < -10).all()
    assert np.argmax(level[finest]) == 0
    assert np.argmax(upright[finest]) == 1
    assert level[finest][0] == pytest.approx(upright[finest][1], abs=1e-4)


# --- Image improvement


def draw_hairy(size=224):
    """Return a drawn lesion without noise, and the same with a dark line of two pixels across it."""
    clean = np.full((size, size, 3), (222, 178, 152), np.uint8)
    rows, columns = np.mgrid[0:size, 0:size]
    clean[(rows - 112) ** 2 + (columns - 112) ** 2 < 50**2] = (150, 104, 80)
    hairy = clean.copy()
    hairy[60:62, 20:200] = (40, 30, 30)
    return clean, hairy


def test_a_hair_is_found_and_painted_over_and_the_lesion_stays():
    clean, hairy = draw_hairy()
    mask = find_hair(hairy)
    assert mask[60:62, 30:190].all()
    assert mask[70:160].mean() == 0  # the lesion itself and what lies round it
    healed = remove_hair(hairy)
    away = np.abs(healed.astype(int) - clean)
    assert away[60:62, 30:60].max() <= 2  # skin again; across the lesion's edge it is blurred
    assert away.mean() < 0.2
    assert np.array_equal(healed[70:], clean[70:])
    assert np.array_equal(remove_hair(clean), clean)


def test_a_line_is_closed_as_by_the_definition():
    grey = np.random.default_rng(0).integers(0, 256, (12, 12), dtype=np.uint8)
    length = 3
    wide = np.pad(grey.astype(int), 2 * length, mode="symmetric")
    dilated = np.max([np.roll(wide, shift, axis=1) for shift in (-1, 0, 1)], axis=0)
    closed = np.min([np.roll(dilated, shift, axis=1) for shift in (-1, 0, 1)], axis=0)
    expected = closed[2 * length : -2 * length, 2 * length : -2 * length]
    assert np.array_equal(close_line(grey, (0, 1), length), expected)
    assert np.array_equal(close_line(grey.T, (1, 0), length), expected.T)


def test_what_is_filled_comes_from_what_is_not():
    pixels = np.full((20, 20, 3), 90, np.uint8)
    mask = np.zeros((20, 20), bool)
    mask[3:17, 3:17] = True
    pixels[mask] = 255
    assert (fill_in(pixels, mask) == 90).all()
    assert (fill_in(pixels, np.ones_like(mask)) == pixels).all()  # nothing to fill from


def test_contrast_is_raised_within_limits_and_colours_stay():
    generator = np.random.default_rng(0)
    dull = (100 + generator.integers(0, 12, (64, 64, 1)) * np.ones(3)).astype(np.uint8)
    raised = equalise_contrast(dull)
    assert raised.shape == dull.shape
    assert 1.5 * dull.std() < raised.std() < 60  # limited: not stretched over all levels
    assert np.ptp(raised.astype(int), axis=2).max() <= 2  # grey stays grey
    assert np.ptp(equalise_contrast(np.full((40, 40, 3), 120, np.uint8))) == 0


def test_every_stage_gives_a_picture_of_the_same_shape():
    pixels = draw_lesion(5, malignant=False, size=60)
    for _, change in STAGES.values():
        changed = change(pixels)
        assert changed.shape == pixels.shape
        assert changed.dtype == np.uint8


# --- Classifiers and networks


def test_each_classifier_tells_two_clouds_apart_and_says_its_size():
    generator = np.random.default_rng(0)
    labels = np.arange(160) % 2
    features = (generator.normal(size=(160, 12)) + 1.2 * labels[:, None]).astype(np.float32)
    learned, weights = slice(0, 120), np.ones(120)
    fitted = {
        "svm": fit_svm(features[learned], labels[learned], weights, deep=8),
        "perceptron": fit_perceptron(features[learned], labels[learned], weights),
        "linear": fit_linear(features[learned], labels[learned], weights),
    }
    for name, classifier in fitted.items():
        scores = classifier.score(features[120:])
        assert measure_auc(scores, labels[120:]) > 0.9, name
        assert ((scores >= 0) & (scores <= 1)).all(), name
    assert fitted["linear"].parameters == 13
    assert fitted["perceptron"].parameters == 12 * 64 + 64 + 64 + 1 + 24
    again = fit_svm(features[learned], labels[learned], weights, deep=8)
    assert np.array_equal(again.score(features), fitted["svm"].score(features))


def test_weights_pull_the_boundary():
    generator = np.random.default_rng(1)
    labels = np.arange(200) % 2
    features = (generator.normal(size=(200, 4)) + 0.5 * labels[:, None]).astype(np.float32)
    heavy = np.where(labels == 1, 5.0, 1.0)
    for fit in (lambda *given: fit_svm(*given, deep=4), fit_perceptron, fit_linear):
        plain, pulled = (fit(features, labels, weights).score(features) for weights in (np.ones(200), heavy))
        assert (pulled >= 0.5).mean() > (plain >= 0.5).mean()


def test_alexnet_has_the_published_layers():
    network = build_alexnet(32)
    kinds = [layer.__class__.__name__ for layer in network.layers]
    assert kinds.count("Conv2D") == 5
    assert kinds.count("Dense") == 3
    assert [layer.filters for layer in network.layers if hasattr(layer, "filters")] == [
        96,
        256,
        384,
        384,
        256,
    ]
    assert network.output_shape == (None, 1)


def test_random_weights_are_the_same_each_time():
    built = []
    for _ in range(2):
        fix_random_weights(None)
        built.append(build_backbone("mobilenetv2-0.35", 32, None).get_weights())
    assert all(np.array_equal(one, other) for one, other in zip(*built, strict=True))


# --- Runs


@pytest.fixture(scope="module")
def data(sourced_sets, tmp_path_factory):
    """Drawn sets with the tables of the paper's test images too."""
    root = tmp_path_factory.mktemp("baselines") / "data"
    shutil.copytree(sourced_sets, root)
    folder = root / "fanconi-isic"
    with (folder / "images.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    (folder / "manifest.sha256").write_text("".join(f"{row['sha256']}  {row['path']}\n" for row in rows))
    write_table(folder / "ham10000_crosswalk.csv", ("path", "dx"), [("test/benign/1.png", "nv")])
    write_table(folder / "fanconi_test_same_lesion_as_train.csv", ("path",), [("test/malignant/1.png",)])
    return root


@pytest.fixture
def places(data, tmp_path, monkeypatch):
    monkeypatch.setenv("DERMAPORT_DATA", str(data))
    return [
        "--folder",
        str(tmp_path / "work"),
        "--cache",
        str(tmp_path / "cache"),
        "--results",
        str(tmp_path / "out"),
        "--bootstrap",
        "30",
    ]


def test_a_baseline_goes_on_where_it_was_and_is_judged_on_the_same_folds(places, tmp_path, capsys):
    command = ["baselines", "--only", "texture-mlp", *places]
    assert main([*command, "--fits", "paper"]) == 0
    record = json.loads((tmp_path / "out" / "texture-mlp.json").read_text())
    assert record["figures"]["test"]["images"] == 12
    assert record["figures"]["clean"]["images"] == 10
    assert record["figures"]["unseen"]["images"] == 9
    assert record["figures"]["test"]["auc"]["value"] > 0.9
    assert record["parameters"] == 104 * 64 + 64 + 64 + 1 + 2 * 104
    assert record["milliseconds"] > 0
    assert "fold-4" in record["missing"]
    with (tmp_path / "out" / "texture-mlp.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 12
    first = (tmp_path / "work" / "texture-mlp" / "paper.npz").stat().st_mtime_ns
    assert main([*command, "--fits", "sources"]) == 0
    assert (tmp_path / "work" / "texture-mlp" / "paper.npz").stat().st_mtime_ns == first
    record = json.loads((tmp_path / "out" / "texture-mlp.json").read_text())
    assert record["counted"] == 4
    assert record["by_source"]["msk"]["auc"] is not None
    assert record["missing"] == [f"fold-{number}" for number in range(5)]
    assert "texture-mlp, msk+uda:" in capsys.readouterr().out


def test_alexnet_learns_from_scratch_in_each_fit(places, tmp_path):
    material = read_material()
    plan = plan_baseline(
        SYSTEMS["alexnet-svm"], material, None, AlexNetPlan(input_size=32, epochs=1, steps=1, batch_size=4)
    )
    told = []
    homes = {"folder": tmp_path / "work", "cache": tmp_path / "cache", "results": tmp_path / "out"}
    run_baseline(plan, material, ["paper"], **homes, weights=None, rounds=30, tell=told.append)
    record = json.loads((tmp_path / "out" / "alexnet-svm.json").read_text())
    assert record["start"] == "trained from scratch"
    assert record["parameters"] > build_alexnet(32).count_params()
    assert len(told) == 1
    assert not (tmp_path / "work" / "alexnet-svm" / "paper").exists()  # the checkpoint went when it was done


def test_a_fit_of_another_plan_is_refused(places, tmp_path, capsys):
    command = ["baselines", "--only", "texture-mlp", "--fits", "paper", *places]
    assert main(command) == 0
    path = tmp_path / "work" / "texture-mlp" / "paper.npz"
    with np.load(path) as stored:
        values = dict(stored)
    changed = json.loads(values["plan"].tobytes()) | {"images": "0" * 64}
    values["plan"] = np.frombuffer(json.dumps(changed).encode(), dtype=np.uint8)
    np.savez(path, **values)
    assert main(command) == 1
    assert "received one with another images" in capsys.readouterr().err


def test_a_network_without_weights_is_an_error_in_words(places, capsys):
    assert main(["baselines", "--only", "resnet-50", *places]) == 1
    assert "expected ImageNet weights by --weights resnet-50=FILE" in capsys.readouterr().err
    assert main(["baselines", "--only", "resnet-50", "--weights", "nothing", *places]) == 1
    assert "Expected NETWORK=FILE" in capsys.readouterr().err


def test_the_papers_split_is_a_fit_and_no_hold_out_learns_its_test(data, monkeypatch):
    monkeypatch.setenv("DERMAPORT_DATA", str(data))
    material = read_material()
    first, *others = list_fits(material)
    count = len(material.training)
    assert first.judged.tolist() == list(range(count, count + 12))
    assert {material.training[index].data_set for index in first.learned} == {"fanconi-isic"}
    assert [fit.kind for fit in others] == ["sources"] * 6 + ["lesions"] * 5
    for fit in others:
        assert max(fit.learned.max(), fit.judged.max()) < count
        assert not set(fit.learned.tolist()) & set(fit.judged.tolist())


def test_figures_are_of_the_part_and_its_own_cut():
    tests = [
        SetImage(f"{index}.jpg", "", "malignant" if index % 2 else "benign", lesion=str(index), tags=tags)
        for index, tags in enumerate(["clean unseen"] * 4 + ["clean"] * 4 + [""] * 4)
    ]
    scores = np.array([0.1, 0.9, 0.2, 0.8, 0.9, 0.1, 0.9, 0.1, 0.6, 0.7, 0.6, 0.7])
    found = measure_tests(tests, scores, rounds=20)
    assert found["unseen"]["accuracy"]["value"] == 1
    assert found["clean"]["accuracy"]["value"] == 0.5
    assert found["test"]["images"] == 12


# --- The trial of image improvement


class DarkPredictor:
    """Takes a dark picture for malignant."""

    used = 0

    def __init__(self, specification, path):
        self.specification = specification

    def predict(self, images):
        type(self).used += 1
        return np.array([1 - image.mean() / 255 for image in images])


def test_a_trial_scores_each_stage_once_and_goes_on(places, tmp_path, specification_data, monkeypatch):
    monkeypatch.setattr(trial, "Predictor", DarkPredictor)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "paper-cnn-2.json").write_text(json.dumps(specification_data))
    command = ["baselines", "--only", "improvement", "--trial-images", "3", *places]
    command += ["--networks", str(tmp_path / "weights")]
    assert main(command) == 0
    record = json.loads((tmp_path / "out" / "improvement.json").read_text())
    assert record["networks"] == {"paper-cnn-2": "1.0.0"}
    assert set(record["milliseconds"]) == set(STAGES)
    parts = {(row["stage"], row["part"]): row for row in record["gains"]}
    assert {part for _, part in parts} >= {"unseen", "clean", "test", "msk", "isic2020"}
    assert parts["hair", "msk"]["images"] <= 6
    with (tmp_path / "out" / "improvement.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == record["images"]
    assert all(0 <= float(row["paper-cnn-2:contrast"]) <= 1 for row in rows)
    used = DarkPredictor.used
    assert main(command) == 0
    assert DarkPredictor.used == used


def test_a_gain_is_paired():
    generator = np.random.default_rng(0)
    y = np.arange(80) % 2 == 1
    lesions = [str(index) for index in range(80)]
    noisy = generator.random(80)
    assert measure_gain(noisy, noisy, y, lesions, rounds=50) == (0, (0, 0))
    value, (low, high) = measure_gain(noisy, y.astype(float), y, lesions, rounds=200)
    assert value == pytest.approx(1 - measure_auc(noisy, y))
    assert 0 < low < value < high


def test_gains_leave_out_a_part_of_one_class():
    images = [TrialImage("s", f"{i}", "", i % 2, "", str(i), "clean unseen") for i in range(8)]
    images += [TrialImage("s", f"b{i}", "", 0, "uda", f"b{i}", "") for i in range(4)]
    rows = measure_gains(images, np.linspace(0, 1, 12), np.linspace(1, 0, 12), rounds=10)
    assert {row["part"] for row in rows} == {"unseen", "clean", "test"}
    assert rows[0]["gain"]["value"] < 0


# --- The section


def store(folder, name, record):
    (folder / "baselines").mkdir(parents=True, exist_ok=True)
    (folder / "baselines" / f"{name}.json").write_text(json.dumps(record))


def make_record(**changes):
    box = {"value": 0.8, "low": 0.7, "high": 0.9}
    figures = {part: {"images": 9, "auc": box, "accuracy": box} for part in ("unseen", "clean", "test")}
    record = {
        "start": "random",
        "input_size": 48,
        "alexnet": None,
        "milliseconds": 12.5,
        "parameters": 1_000_000,
        "seconds": {"paper": 3.0},
        "missing": ["fold-4"],
        "by_source": {"msk": {"auc": 0.61, "within_set": None}, "uda": {"auc": 0.7, "within_set": 0.7}},
        "mean": 0.655,
        "worst": 0.61,
        "counted": 4,
        "figures": figures,
    }
    return record | changes


def test_the_section_says_what_ran_from_what_and_what_did_not(tmp_path):
    store(tmp_path, "vgg-16-svm", make_record())
    plan = AlexNetPlan(input_size=64, epochs=2, steps=10, batch_size=5).to_dict()
    alexnet = make_record(start="trained from scratch", alexnet=plan, by_source={}, missing=["msk"])
    del alexnet["mean"], alexnet["worst"], alexnet["counted"]
    store(tmp_path, "alexnet-svm", alexnet)
    section = write_baselines(Results(tmp_path, tmp_path / "weights", rounds=10))
    rows = {
        line.split(" | ")[0].removeprefix("| "): line
        for line in section.splitlines()
        if line.startswith("| ")
    }
    vgg = rows["VGG-16, PCA, wavelets, SVM"]
    assert "**random numbers**, never trained, at 48 pixels" in vgg
    assert "80.0 % (70.0–90.0)" in vgg
    assert "| 0.655 | 0.610 | 1,000,000 | 4.00 | 3.0 | 12.5 |" in vgg
    assert "trained from scratch at 64 pixels on 100 drawn images" in rows["AlexNet, PCA, wavelets, SVM"]
    assert rows["AlexNet, PCA, wavelets, SVM"].count("not run yet") == 2
    assert "no file of ImageNet weights at hand" in rows["DenseNet-201, frozen, linear probe"]
    assert rows["MobileNetV2 0.35, frozen, linear probe"].count("not run yet") == 8
    assert "AlexNet, PCA, wavelets, SVM: msk" in section
    assert "VGG-16, PCA, wavelets, SVM from 0.800 to 0.655" in section
    assert "| vgg-16-svm | VGG-16, PCA, wavelets, SVM | 0.655 | 0.610 |" in section


def make_gain(low, high, part="unseen", stage="hair"):
    gain = {"value": (low + high) / 2, "low": low, "high": high}
    return {"network": "paper-cnn-2", "stage": stage, "part": part, "images": 530, "plain": 0.9, "gain": gain}


@pytest.mark.parametrize(
    ("gains", "told", "concluded"),
    [
        ([make_gain(0.01, 0.03)], "yes", "hair removal (black-hat, painted over) before paper-cnn-2"),
        ([make_gain(-0.01, 0.03)], "not shown", "no stage ships"),
        ([make_gain(0.01, 0.03), make_gain(-0.05, -0.01, "msk")], "no: harms", "no stage ships"),
    ],
)
def test_a_stage_helps_only_where_it_harms_nowhere(tmp_path, gains, told, concluded):
    store(tmp_path, "improvement", {"milliseconds": {"hair": 13.0}, "gains": gains})
    section = write_improvement(Results(tmp_path, tmp_path / "weights", rounds=10))
    row = next(line for line in section.splitlines() if line.startswith("| paper-cnn-2 | hair removal"))
    assert row.endswith(f"| {told} |")
    assert concluded in section


def test_without_results_the_section_names_the_command(tmp_path):
    section = write_baselines(Results(tmp_path, tmp_path / "weights", rounds=10))
    assert "not run yet" in section
    assert "python -m ml baselines --only improvement" in section
