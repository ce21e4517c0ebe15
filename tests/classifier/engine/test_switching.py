"""Activating another version while images wait: each is judged by the version it was queued for."""

import pytest

from classifier.cases.withdrawal import retry_submission
from classifier.domain.vocabulary import ModelLifecycle
from classifier.engine import serving
from classifier.engine.queue import queue_predictions
from classifier.engine.run import run_queued
from classifier.engine.serving import BatchResult, Judgement
from classifier.models import ModelVersion, Prediction
from classifier.registry.versions import set_lifecycle
from tests.factories import (
    ModelVersionFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    active_model,
    staff_clinic,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(network, monkeypatch) -> list[ModelVersion]:
    """The version of each batch, in order."""
    found = []

    def predict(version, images):
        found.append(version)
        return BatchResult([Judgement(0.25, 0.25, "benign") for _ in images], "CPU: fake", 0.001)

    monkeypatch.setattr(serving, "predict", predict)
    return found


def new_image(case=None):
    return SubmissionImageFactory(submission=case or SubmissionFactory(), with_files=True)


def test_waiting_images_keep_their_version(asked):
    former, newer = active_model(), ModelVersionFactory()
    newer.specification["policy"] = {**newer.policy, "version": "2", "refer_low": 0.01}
    newer.save()
    waiting, fresh = new_image(), new_image()
    queue_predictions(images=[waiting])
    set_lifecycle(version=newer, lifecycle=ModelLifecycle.ACTIVE)
    queue_predictions(images=[fresh])
    assert run_queued(budget_seconds=60) == 2
    assert asked == [former, newer]
    for image, version in ((waiting, former), (fresh, newer)):
        result = image.predictions.get()
        assert (result.model_version, result.threshold_policy) == (version, version.policy)


def test_results_that_exist_stay_as_they_are(asked):
    former, newer = active_model(), ModelVersionFactory()
    image = new_image()
    queue_predictions(images=[image])
    run_queued(budget_seconds=60)
    before = Prediction.objects.filter(image=image).values().get()
    set_lifecycle(version=newer, lifecycle=ModelLifecycle.ACTIVE)
    run_queued(budget_seconds=60)
    assert Prediction.objects.filter(image=image).values().get() == before
    assert before["model_version_id"] == former.pk


def test_shadow_that_is_activated_serves_new_images_and_its_trials_stay_trials(asked):
    former, shadow = active_model(), ModelVersionFactory(shadow=True)
    image, later = new_image(), new_image()
    queue_predictions(images=[image])
    run_queued(budget_seconds=60)
    set_lifecycle(version=shadow, lifecycle=ModelLifecycle.ACTIVE)
    queue_predictions(images=[later])
    run_queued(budget_seconds=60)
    assert set(image.predictions.values_list("model_version", "is_shadow")) == {
        (former.pk, False),
        (shadow.pk, True),
    }
    assert later.predictions.get().model_version == shadow


def test_failed_image_is_tried_again_by_the_version_that_was_on_trial(asked):
    """What it said on trial is no answer of the case: it is asked once more, for the case."""
    staff = staff_clinic()
    former, shadow = active_model(), ModelVersionFactory(shadow=True)
    image = new_image(SubmissionFactory(clinic=staff.clinic))
    queue_predictions(images=[image])
    served = image.predictions.filter(model_version=former)
    served.update(state="failed", error_code="attempts_exhausted", finished_at=image.created_at)
    run_queued(budget_seconds=60)
    set_lifecycle(version=shadow, lifecycle=ModelLifecycle.ACTIVE)
    assert retry_submission(actor=staff.clinician, submission=image.submission) == 1
    run_queued(budget_seconds=60)
    assert set(image.predictions.values_list("model_version", "is_shadow", "state")) == {
        (former.pk, False, "failed"),
        (shadow.pk, True, "succeeded"),
        (shadow.pk, False, "succeeded"),
    }
