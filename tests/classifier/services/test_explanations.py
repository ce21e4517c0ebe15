"""Asking where a prediction came from: who may, what comes of it, and that it happens once."""

import pytest
from django.core.exceptions import PermissionDenied

from classifier.cases.explanations import request_explanation
from classifier.cases.readings import record_unseen_reading
from classifier.domain.errors import ConflictError
from classifier.models import Explanation
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    ExplanationFactory,
    PredictionFactory,
    ReviewFactory,
    UserFactory,
    answered_submission,
    staff_clinic,
)
from tests.support.threads import run_in_threads


@pytest.fixture
def prediction(staff, model):
    return answered_submission(staff, "malignant").images.get().predictions.get()


def test_queues_it_and_wakes_a_worker(staff, prediction, wake_ups, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        row = request_explanation(actor=staff.clinician, prediction=prediction)
        assert wake_ups == []
    assert wake_ups == ["classifier.tasks.run_explanations_task"]
    assert (row.state, row.attempt, row.requested_by) == ("queued", 0, staff.clinician)
    event = AuditEvent.objects.get(action="explanation.requested")
    assert (event.object_id, event.actor) == (str(row.pk), staff.clinician)
    assert event.details == {"prediction": str(prediction.pk)}


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
def test_asked_again_returns_the_one_that_exists(
    staff, prediction, wake_ups, state, django_capture_on_commit_callbacks
):
    row = ExplanationFactory(prediction=prediction, state=state)
    with django_capture_on_commit_callbacks(execute=True):
        assert request_explanation(actor=staff.administrator, prediction=prediction) == row
    assert wake_ups == []
    assert not AuditEvent.objects.filter(action="explanation.requested").exists()


def test_failed_one_is_asked_for_anew_and_stays_as_history(staff, prediction):
    failed = ExplanationFactory(prediction=prediction, state="failed")
    row = request_explanation(actor=staff.clinician, prediction=prediction)
    assert row.state == "queued"
    assert set(Explanation.objects.all()) == {failed, row}


@pytest.mark.parametrize("role", ["clinician", "dermatologist", "administrator", "integration"])
def test_who_may_see_the_image_may_ask(staff, prediction, role):
    assert request_explanation(actor=staff.person(role), prediction=prediction).state == "queued"


def test_others_may_not(staff, prediction):
    for actor in (UserFactory(), staff_clinic().dermatologist, UserFactory(is_staff=True)):
        with pytest.raises(PermissionDenied):
            request_explanation(actor=actor, prediction=prediction)
    assert not Explanation.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"state": "rejected"},
        {"state": "failed"},
        {"state": "succeeded", "is_shadow": True},
        {"state": "succeeded", "outcome": "refer", "refusal_code": "blurred"},
    ],
)
def test_what_was_not_judged_has_no_map(staff, prediction, values):
    if "refusal_code" in values:
        values |= {"probability": None, "calibrated_probability": None}
    other = PredictionFactory(submission=prediction.image.submission, **values)
    with pytest.raises(ConflictError, match="gave no figure"):
        request_explanation(actor=staff.clinician, prediction=other)


def test_none_while_the_case_is_in_work(staff, prediction):
    PredictionFactory(submission=prediction.image.submission)
    with pytest.raises(ConflictError, match="still at work"):
        request_explanation(actor=staff.clinician, prediction=prediction)


def test_none_of_a_cancelled_case(staff, prediction):
    case = prediction.image.submission
    case.cancelled_at, case.cancelled_by = case.submitted_at, staff.clinician
    case.save()
    with pytest.raises(ConflictError, match="withdrawn"):
        request_explanation(actor=staff.clinician, prediction=prediction)


class TestHiddenUntilRead:
    @pytest.fixture(autouse=True)
    def hiding(self, staff):
        staff.clinic.hide_result_until_read = True
        staff.clinic.save()

    def test_dermatologist_must_read_first(self, staff, prediction):
        for state in (None, "succeeded"):
            if state:
                ExplanationFactory(prediction=prediction, state=state)
            with pytest.raises(PermissionDenied, match="read the image yourself"):
                request_explanation(actor=staff.dermatologist, prediction=prediction)

    def test_own_reading_opens_it_to_its_reader(self, staff, prediction):
        case = prediction.image.submission
        record_unseen_reading(actor=staff.dermatologist, submission=case, diagnosis="naevus")
        assert request_explanation(actor=staff.dermatologist, prediction=prediction)

    def test_signature_opens_it(self, staff, prediction):
        ReviewFactory(submission=prediction.image.submission)
        assert request_explanation(actor=staff.dermatologist, prediction=prediction)

    def test_others_see_it(self, staff, prediction):
        assert request_explanation(actor=staff.clinician, prediction=prediction)


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_get_one(staff, prediction):
    taken = run_in_threads(4, lambda _: request_explanation(actor=staff.clinician, prediction=prediction).pk)
    assert {type(found) for found in taken} == {type(prediction.pk)}
    assert len(set(taken)) == 1
    assert AuditEvent.objects.filter(action="explanation.requested").count() == 1
