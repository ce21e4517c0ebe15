"""The demo shows every outcome: what the shipped network says of the drawings, unhelped."""

from pathlib import Path

import pytest

from classifier.demo.lesions import draw_lesion
from ml.calibration import Calibration
from ml.images import decode_image, to_array
from ml.policy import ThresholdPolicy
from ml.prediction import Predictor
from ml.specification import ModelSpecification

WEIGHTS = Path(__file__).parents[3] / "ml" / "weights"
SEEDS = range(100, 112)


@pytest.fixture(scope="module")
def judge():
    specification = ModelSpecification.load(WEIGHTS / "paper-cnn-2.json")
    predictor = Predictor(specification, WEIGHTS / specification.file)
    calibration = Calibration.from_dict(specification.calibration)
    policy = ThresholdPolicy.from_dict(specification.policy)

    def judge_kind(kind):
        images = [
            to_array(decode_image(draw_lesion(seed, kind=kind)), specification.input_size) for seed in SEEDS
        ]
        return [policy.outcome(float(p)) for p in calibration.apply(predictor.predict(images))]

    return judge_kind


def test_most_naevi_come_out_benign(judge):
    assert judge("naevus").count("benign") > len(SEEDS) / 2


def test_melanomas_come_out_malignant_or_referred(judge):
    outcomes = judge("melanoma")
    assert set(outcomes) == {"malignant", "refer"}


def test_unclear_lesions_are_referred_most_often(judge):
    outcomes = judge("unclear")
    assert outcomes.count("refer") == max(outcomes.count(outcome) for outcome in set(outcomes))
