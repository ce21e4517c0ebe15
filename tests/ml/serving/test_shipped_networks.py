"""All networks in the repository, and the default one's answers."""

import json

import numpy as np
import pytest

from classifier.demo.lesions import draw_lesion as draw_demo_lesion
from ml.datasets.image_sets import list_training_sets
from ml.digests import digest_file
from ml.imaging.decoding import decode_image, to_array
from ml.research.report.stored import DEFAULT_NETWORK
from ml.serving.prediction import Predictor
from ml.serving.specification import ModelSpecification
from ml.training.architectures import PAPER_CNN_1_PARAMETERS, PAPER_CNN_2_PARAMETERS
from ml.training.release import describe_licence
from tests.ml.conftest import WEIGHTS

SHIPPED = {
    DEFAULT_NETWORK: 5_920_593,
    "paper-cnn-1": PAPER_CNN_1_PARAMETERS,
    "paper-cnn-2": PAPER_CNN_2_PARAMETERS,
}
MOST_BYTES = 70 * 10**6
INPUT_SIZE = (288, 288)
# Raw P(malignant) of the demo's drawings, averaged over four flips.
GOLDEN = {
    ("naevus", 100): 0.0501,
    ("naevus", 102): 0.0493,
    ("melanoma", 100): 0.5442,
    ("melanoma", 102): 0.7567,
}


@pytest.fixture(scope="module")
def default_predictor():
    specification = ModelSpecification.load(WEIGHTS / f"{DEFAULT_NETWORK}.json")
    return Predictor(specification, WEIGHTS / specification.file)


def test_three_networks_ship_and_stay_small():
    assert {path.stem for path in WEIGHTS.glob("*.h5")} == set(SHIPPED)
    assert {path.stem for path in WEIGHTS.glob("*.json")} == set(SHIPPED)
    sizes = [path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()]
    assert sum(sizes) < MOST_BYTES


@pytest.mark.parametrize("name", SHIPPED)
def test_specification_and_card_describe_the_file_beside_them(name):
    specification = ModelSpecification.load(WEIGHTS / f"{name}.json")
    assert digest_file(WEIGHTS / specification.file) == specification.sha256
    assert specification.parameters == SHIPPED[name]
    assert specification.licence == describe_licence(list_training_sets(specification.training))
    assert specification.calibration["method"] == "platt"
    counts = {part: specification.metrics[part]["images"] for part in ("test", "test_clean")}
    assert counts == {"test": 660, "test_clean": 602}
    card = (WEIGHTS / f"{name}.md").read_text(encoding="utf-8")
    assert specification.sha256 in card
    assert f"{specification.parameters:,}" in card


def test_a_licence_names_the_sets_that_were_learnt_from():
    one, both = describe_licence(["fanconi-isic"]), describe_licence(["ham10000-extra-train", "fanconi-isic"])
    assert "non-commercial" in one
    assert "the paper's 3,297 HAM10000" in one
    assert "the paper's 3,297 and all of ham10000-extra-train HAM10000" in both


def test_the_default_is_calibrated_on_lesions_it_was_not_trained_on():
    specification = ModelSpecification.load(WEIGHTS / f"{DEFAULT_NETWORK}.json")
    metrics = specification.metrics
    assert metrics["out_of_fold"]["images"] == specification.training["training_images"] == 3484
    assert metrics["train"]["images"] == 2637
    assert metrics["out_of_fold"]["sensitivity"]["value"] >= 0.95
    assert metrics["out_of_fold"]["malignant_called_benign"]["value"] <= 0.05
    assert json.dumps(specification.training["plan"]["weights"]).startswith('"ImageNet')


def draw(kind, seed):
    return to_array(decode_image(draw_demo_lesion(seed, kind=kind)), INPUT_SIZE)


@pytest.mark.parametrize(("kind", "seed"), GOLDEN)
def test_golden_outputs_of_the_default(default_predictor, kind, seed):
    assert default_predictor.predict([draw(kind, seed)])[0] == pytest.approx(GOLDEN[kind, seed], abs=2e-3)


def test_single_equals_batch_and_flips_change_nothing(default_predictor):
    images = [draw("melanoma" if seed % 2 else "naevus", seed) for seed in range(100, 105)]
    together = default_predictor.predict(images)
    alone = [default_predictor.predict([image])[0] for image in images]
    np.testing.assert_allclose(together, alone, atol=1e-5, rtol=0)
    flipped = default_predictor.predict([np.ascontiguousarray(image[::-1]) for image in images])
    np.testing.assert_allclose(together, flipped, atol=1e-5, rtol=0)
