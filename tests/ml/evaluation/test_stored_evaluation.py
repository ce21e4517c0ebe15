import json
from dataclasses import replace

import numpy as np
import pytest

from ml.__main__ import main
from ml.datasets import image_sets
from ml.datasets.image_sets import SETS, SetImage, find_seen_diagnoses, find_set, list_training_sets
from ml.datasets.records import DataError
from ml.evaluation.consistency import VARIANTS, score_variants, shift, turn
from ml.evaluation.metrics import MetricsError, bootstrap, bootstrap_lesions, measure_auc
from ml.evaluation.stored_predictions import read_index, read_rows
from ml.imaging.inputs import encode_again
from ml.serving.calibration import Calibration
from tests.ml.conftest import WEIGHTS
from tests.ml.drawing import draw_lesion, save_lesion


@pytest.fixture
def small_set(tmp_path, monkeypatch):
    """The smartphone set's tables over drawn lesions."""
    root = tmp_path / "data" / "pad-ufes-20-smartphone"
    columns = "path,label,diagnostic,lesion_id,age,gender,region,fitspatrick"
    lines, manifest = [columns], []
    for number, label in enumerate(("benign", "malignant")):
        path = f"test/{label}/{number}.png"
        sha256 = save_lesion(root / path, number, malignant=bool(number), size=64)
        lines.append(f"{path},{label},NEV,{number},39,FEMALE,CHEST,2.0")
        manifest.append(f"{sha256}  {path}")
    (root / "metadata.csv").write_text("\n".join(lines) + "\n")
    (root / "manifest.sha256").write_text("\n".join(manifest) + "\n")
    monkeypatch.setenv("DERMAPORT_DATA", str(tmp_path / "data"))
    return root


def evaluate(folder, *more):
    model = ["--model", str(WEIGHTS / "paper-cnn-2.h5"), "--results", str(folder)]
    return main(["evaluate", "--sets", "pad-ufes-20-smartphone", *model, *more])


def test_a_set_is_scored_once_for_the_same_network_and_files(small_set, tmp_path, capsys):
    assert evaluate(tmp_path) == 0
    folder = tmp_path / "predictions" / "paper-cnn-2"
    rows = read_rows(folder, "pad-ufes-20-smartphone")
    assert [row.image.label for row in rows] == ["benign", "malignant"]
    assert (rows[0].image.sex, rows[0].image.skin_type, rows[0].image.site) == ("female", "2", "chest")
    assert all(0 <= row.scored.calibrated_probability <= 1 and row.ita is not None for row in rows)
    assert read_index(folder)["network"]["training_sets"] == ["fanconi-isic"]
    before = (folder / "pad-ufes-20-smartphone.csv").read_bytes()
    assert "1 scored now" in capsys.readouterr().out
    assert evaluate(tmp_path) == 0
    assert "0 scored now, 1 were stored already" in capsys.readouterr().out
    manifest = small_set / "manifest.sha256"
    manifest.write_text(manifest.read_text() + "\n")
    assert evaluate(tmp_path) == 0
    assert "1 scored now" in capsys.readouterr().out
    assert (folder / "pad-ufes-20-smartphone.csv").read_bytes() == before


def test_what_becomes_known_of_an_image_is_written_beside_its_stored_figure(small_set, tmp_path, monkeypatch):
    assert evaluate(tmp_path) == 0
    folder = tmp_path / "predictions" / "paper-cnn-2"
    before = read_rows(folder, "pad-ufes-20-smartphone")
    reader = image_sets._READERS["pad-ufes-20-smartphone"]

    def tell(root, sha256):
        return [replace(image, tags="unseen") for image in reader(root, sha256)]

    monkeypatch.setitem(image_sets._READERS, "pad-ufes-20-smartphone", tell)
    assert evaluate(tmp_path) == 0
    after = read_rows(folder, "pad-ufes-20-smartphone")
    assert [row.image.tags for row in after] == ["unseen"] * 2
    assert [row.scored for row in after] == [row.scored for row in before]


def test_another_calibration_is_scored_anew(small_set, tmp_path, capsys):
    assert evaluate(tmp_path) == 0
    folder = tmp_path / "predictions" / "paper-cnn-2"
    index = json.loads((folder / "index.json").read_text())
    index["files"]["pad-ufes-20-smartphone"]["network"] = "0" * 64
    (folder / "index.json").write_text(json.dumps(index))
    capsys.readouterr()
    assert evaluate(tmp_path) == 0
    assert "1 scored now" in capsys.readouterr().out


def test_a_changed_image_stops_the_evaluation(small_set, tmp_path, capsys):
    save_lesion(small_set / "test/benign/0.png", 5, malignant=False, size=64)
    assert evaluate(tmp_path) == 1
    assert "expected SHA-256" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--sets", "none"], ["--sets", "all", "--keep-as", "x"], ["--images", "x"]]
)
def test_wrong_arguments_are_errors_in_words(arguments, capsys):
    assert main(["evaluate", *arguments]) == 1
    assert "Error: Expected" in capsys.readouterr().err


def test_a_missing_set_says_which_variable_to_set(tmp_path, monkeypatch):
    monkeypatch.setenv("DERMAPORT_DATA", str(tmp_path))
    with pytest.raises(DataError, match="DERMAPORT_DATA"):
        find_set("ham10000-subset").read_images()
    with pytest.raises(DataError, match="received 'ham'"):
        find_set("ham")


def test_real_sets_hold_what_their_sources_say(real_set):
    del real_set
    counts = {
        "fanconi-test": (360, 300),
        "ham10000-subset": (350, 305),
        "isic2017-segmentation": (100, 86),
        "isic-archive-dermoscopic": (180, 144),
        "isic-archive-clinical": (0, 54),
        "pad-ufes-20-smartphone": (68, 1),
    }
    for name, expected in counts.items():
        labels = [image.label for image in SETS[name].read_images()]
        assert (labels.count("benign"), labels.count("malignant")) == expected, name
    test = SETS["fanconi-test"].read_images()
    assert sum("clean" in image.tags for image in test) == 602
    unseen = [image.label for image in test if "unseen" in image.tags]
    assert (unseen.count("benign"), unseen.count("malignant")) == (335, 195)
    repeats = [image.diagnosis for image in find_set("ham10000-subset").read_images() if image.tags]
    assert repeats == ["mel"] * 27
    within = [image.diagnosis for image in test if "ham10000" in image.tags]
    assert (within.count("nv"), within.count("mel")) == (245, 70)


def test_training_sets_are_read_from_both_forms():
    assert list_training_sets({"data": "fanconi-isic"}) == ["fanconi-isic"]
    assert list_training_sets({"data": ["fanconi-isic", "ham10000-extra-train"]})[1] == "ham10000-extra-train"
    assert list_training_sets({}) == []
    assert find_seen_diagnoses(["fanconi-isic"]) == {"nv", "mel"}
    assert "bcc" in find_seen_diagnoses(["fanconi-isic", "ham10000-extra-train"])


def test_variants_do_what_they_say():
    image = draw_lesion(3, malignant=True, size=32)
    moved = shift(image, 4, 2)
    assert np.array_equal(moved[4:, 2:], image[:-4, :-2])
    assert np.array_equal(moved[0, 2:], image[0, :-2])
    assert np.array_equal(turn(image, 90), np.rot90(image))
    assert turn(image, 5).shape == encode_again(image, 75).shape == image.shape
    assert np.abs(encode_again(image, 90).astype(int) - image).mean() < 12
    assert np.array_equal(VARIANTS["flip_up_down"][1](image)[::-1], image)


def test_variants_are_scored_with_the_calibration(small_set, shipped_predictor):
    image = SetImage("test/benign/0.png", "", "benign", lesion="a")
    (row,) = score_variants(shipped_predictor, small_set, [image])
    assert len(row) == len(VARIANTS) + 3
    raw = shipped_predictor.predict([_read(small_set / image.path)])
    calibration = Calibration.from_dict(shipped_predictor.specification.calibration)
    assert float(row[2]) == pytest.approx(calibration.apply(raw)[0], abs=1e-5)


def _read(path):
    from ml.imaging.inputs import build_input

    return build_input(path.read_bytes(), (224, 224))


def test_drawing_lesions_equals_drawing_images_when_each_has_one():
    generator = np.random.default_rng(1)
    y = np.arange(300) % 2 == 0
    p = np.clip(generator.normal(0.4 + 0.2 * y, 0.2), 0, 1)
    single = bootstrap_lesions({"auc": measure_auc}, p, y, [str(n) for n in range(300)], rounds=800)["auc"]
    assert single == pytest.approx(bootstrap(measure_auc, p, y, rounds=800), abs=0.01)


def test_whole_lesions_are_drawn():
    p = np.repeat(np.arange(10), 7).astype(float)
    seen = []

    def note(score, _):
        seen.append(set(np.unique(score, return_counts=True)[1] % 7))
        return 0.0

    bootstrap_lesions({"x": note}, p, np.ones(70), [f"l{int(v)}" for v in p], rounds=5)
    assert seen == [{0}] * 5
    with pytest.raises(MetricsError, match="received 1"):
        bootstrap_lesions({}, [0.1, 0.2], [0, 1], ["a"])
