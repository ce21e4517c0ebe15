"""The demo shows every outcome: what the shipped network says of the drawings, unhelped."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from classifier.demo import cases
from classifier.demo.cases import create_cases, sign_some_reviews
from classifier.demo.lesions import draw_lesion
from classifier.demo.people import create_people
from classifier.engine.run import run_queued
from classifier.models import Prediction, Review
from classifier.registry.versions import register_shipped_models
from ml.imaging.decoding import decode_image, to_array
from ml.serving.calibration import Calibration
from ml.serving.policy import DecisionPolicy
from ml.serving.prediction import Predictor
from ml.serving.specification import ModelSpecification

WEIGHTS = Path(__file__).parents[3] / "ml" / "weights"
SEEDS = range(100, 112)
draw_once = cache(draw_lesion)
"""Both networks see the same drawings."""
# The demo is to show every outcome with whichever of the two is active.
DEFAULTS = [name for name in ("paper-cnn-2", "efficientnetv2-b0") if (WEIGHTS / f"{name}.json").exists()]


@pytest.fixture(scope="module")
def judge():
    specification = ModelSpecification.load(WEIGHTS / "paper-cnn-2.json")
    predictor = Predictor(specification, WEIGHTS / specification.file)
    calibration = Calibration.from_dict(specification.calibration)
    policy = DecisionPolicy.from_dict(specification.policy)

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


class TestDemoAsItShips:
    """The demo's own cases through the worker's own code, gates and network, nothing chosen by hand."""

    @pytest.fixture
    def outcomes(self, request, db, settings, tmp_path, monkeypatch):
        monkeypatch.setattr(cases, "draw_lesion", draw_once)
        settings.VAR_DIR, settings.DERMAPORT_GATES = tmp_path, True
        for name in ("sealed", "derived"):
            storage = {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": {"location": tmp_path / name},
            }
            settings.STORAGES = {**settings.STORAGES, name: storage}
        settings.DERMAPORT_DEFAULT_MODEL = request.param
        register_shipped_models()
        create_people()
        create_cases(pace_seconds=0, report=lambda _: None)
        run_queued(budget_seconds=600)
        rows = Prediction.objects.filter(state="succeeded").values_list("outcome", "refusal_code")
        assert len(rows) == Prediction.objects.count()
        return Counter("refused" if code else outcome for outcome, code in rows)

    @pytest.mark.parametrize("outcomes", DEFAULTS, indirect=True)
    def test_shows_every_outcome_and_a_refused_photo(self, outcomes):
        assert set(outcomes) == {"benign", "malignant", "refer", "refused"}
        assert max(outcomes, key=outcomes.get) == "benign"

        assert sign_some_reviews(report=lambda _: None) > 5
        signed = Review.objects.filter(submission__images__predictions__refusal_code="blurred")
        assert set(signed.values_list("management", flat=True)) <= {"new_image"}
