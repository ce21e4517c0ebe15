"""A network of two lines instead of a real one, and rows in the queue."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from classifier.engine import serving
from classifier.engine.serving import BatchResult, GateVerdict, ImageCheck, Judgement
from classifier.models import Prediction, Submission
from ml.serving import judging
from tests.factories import PredictionFactory, SubmissionFactory, SubmissionImageFactory, restated_together


@dataclass
class FakeNetwork:
    """Answers 0.25 to everything; notes the size of each batch; fails when told to."""

    batches: list[int] = field(default_factory=list)
    error: BaseException | None = None
    load_error: Exception | None = None

    def load(self, version):
        if self.load_error:
            raise self.load_error

    def predict(self, version, images):
        self.batches.append(len(images))
        if self.error:
            raise self.error
        return BatchResult(
            [Judgement(0.25, 0.25, "benign") for _ in images], "CPU: fake", 0.001 * len(images)
        )


@pytest.fixture
def network(monkeypatch) -> FakeNetwork:
    fake = FakeNetwork()
    monkeypatch.setattr(serving, "predict", fake.predict)
    monkeypatch.setattr(serving, "load_predictor", fake.load)
    return fake


@dataclass
class FakeGates:
    """Refuses images of the sizes in `refused`; notes how many images each call brought."""

    refused: set[int] = field(default_factory=set)
    calls: list[int] = field(default_factory=list)
    version: str = "fake-1"
    load_error: Exception | None = None

    def load(self):
        if self.load_error:
            raise self.load_error

    def assess(self, looks):
        self.calls.append(len(looks))
        return [self._decide(width) for width in looks]

    def _decide(self, width: int) -> GateVerdict:
        figures = {"sharpness": 3.1 if width in self.refused else 20.0, "sharpness_least": 8.0}
        refusals = [
            {"code": "blurred", "message": "The image is blurred: sharpness 3.10."},
            {"code": "too_dark", "message": "The image is too dark."},
        ]
        return GateVerdict(self.version, figures, refusals if width in self.refused else [])


@pytest.fixture
def gates(monkeypatch, settings) -> FakeGates:
    """Gates that look at an image's width alone, turned on."""
    fake = FakeGates()
    settings.DERMAPORT_GATES = True
    monkeypatch.setattr(judging, "look_at", lambda picture, size=None: picture.width)
    monkeypatch.setattr(serving, "load_gates", fake.load)
    monkeypatch.setattr(serving, "assess", fake.assess)
    # The factories' uploads are looked at as well, by the web process: not counted here.
    passed = ImageCheck("good", [], "", GateVerdict(fake.version, {}, []))
    monkeypatch.setattr(serving, "check_image", lambda image, original_size=None: passed)
    return fake


@pytest.fixture
def queue_images(db):
    """`queue_images(3)`: that many drawn images of one case, queued; returns their predictions."""

    @restated_together()
    def make(count: int, submission: Submission | None = None, **values) -> list[Prediction]:
        case = submission or SubmissionFactory()
        return [
            PredictionFactory(
                image=SubmissionImageFactory(submission=case, with_files=True, with_files__seed=number),
                **values,
            )
            for number in range(count)
        ]

    return make
