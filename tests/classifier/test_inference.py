"""From a network's raw figures to what people are told: calibrated first, then the version's own policy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from classifier.engine import serving
from ml.serving.prediction import Measured
from tests.factories import ModelVersionFactory, tiny_specification

PIXELS = np.zeros((32, 32, 3), np.uint8)


@dataclass
class FixedPredictor:
    """Says the same raw figures whatever it is shown."""

    raw: list[float]
    device: str = "CPU: fixed"
    distances: np.ndarray | None = None

    def measure(self, images):
        return Measured(np.array(self.raw[: len(images)]), self.distances)


@pytest.fixture
def judge(monkeypatch):
    def judge(raw, distances=None, **changes):
        specification = tiny_specification("-".join(("fixed", *changes))) | changes
        version = ModelVersionFactory.build(
            sha256=specification["sha256"], specification=specification, name=specification["name"]
        )
        monkeypatch.setattr(serving, "load_predictor", lambda _: FixedPredictor(raw, distances=distances))
        return serving.predict(version, [PIXELS] * len(raw)).judgements

    return judge


RAW = [0.3, 0.5, 0.7]
SHIFTED = {"method": "platt", "a": 1.0, "b": 2.0}
"""Raises every figure: 0.3 becomes 0.76, 0.5 becomes 0.88 and 0.7 becomes 0.95."""


def test_policy_is_asked_of_the_calibrated_figure(judge):
    """Else what the model reads as malignant would be called benign, and the figure beside it would differ."""
    assert [one.outcome for one in judge(RAW)] == ["benign", "refer", "malignant"]
    found = judge(RAW, calibration=SHIFTED)
    assert [one.outcome for one in found] == ["malignant"] * 3
    assert [one.probability for one in found] == RAW
    assert [round(one.calibrated_probability, 2) for one in found] == [0.76, 0.88, 0.95]


def test_a_picture_far_from_what_the_network_learned_from_is_referred(judge):
    policy = {"version": "2", "threshold": 0.5, "refer_low": 0.4, "refer_high": 0.6, "distance_most": 2.0}
    plain = {"method": "identity"}
    found = judge(RAW, distances=np.array([1.0, 1.0, 2.5]), policy=policy, calibration=plain)
    assert [(one.outcome, one.is_far) for one in found] == [
        ("benign", False),
        ("refer", False),
        ("refer", True),
    ]
    assert found[2].distance == 2.5
    assert not any(one.is_far for one in judge(RAW, policy=policy, calibration=plain))


def test_policy_is_the_versions_own(judge):
    policy = {"version": "2", "threshold": 0.1, "refer_low": 0.1, "refer_high": 0.4}
    assert [one.outcome for one in judge(RAW, policy=policy)] == ["refer", "malignant", "malignant"]
