"""A case is withdrawn or tried again."""

import pytest

from classifier.cases.withdrawal import cancel_submission, retry_submission
from classifier.domain.errors import ConflictError
from classifier.models import Prediction
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    ModelVersionFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
)


@pytest.mark.django_db
class TestCancel:
    def test_unfinished_stop_and_results_stay(self, staff):
        case = SubmissionFactory(clinic=staff.clinic)
        rows = {
            state: PredictionFactory(submission=case, state=state)
            for state in ("queued", "running", "succeeded", "failed")
        }
        cancel_submission(actor=staff.clinician, submission=case, reason="Wrong patient.")
        states = {before: Prediction.objects.get(pk=row.pk).state for before, row in rows.items()}
        assert states == {
            "queued": "cancelled",
            "running": "cancelled",
            "succeeded": "succeeded",
            "failed": "failed",
        }
        assert AuditEvent.objects.get(action="submission.cancelled").details["predictions_stopped"] == 2
        with pytest.raises(ConflictError):
            cancel_submission(actor=staff.clinician, submission=case)

    def test_reviewed_case(self, staff):
        case = SubmissionFactory(clinic=staff.clinic)
        ReviewFactory(submission=case)
        with pytest.raises(ConflictError) as caught:
            cancel_submission(actor=staff.clinician, submission=case, reason="Wrong patient.")
        assert caught.value.code == "already_reviewed"


@pytest.mark.django_db
class TestRetry:
    @pytest.fixture
    def failed(self, staff, model):
        case = SubmissionFactory(clinic=staff.clinic)
        return PredictionFactory(submission=case, state="failed")

    def test_failed_image_is_queued_anew(self, staff, failed):
        case = failed.image.submission
        PredictionFactory(submission=case, state="succeeded")
        assert retry_submission(actor=staff.clinician, submission=case) == 1
        assert sorted(failed.image.predictions.values_list("state", flat=True)) == ["failed", "queued"]
        with pytest.raises(ConflictError) as caught:
            retry_submission(actor=staff.clinician, submission=case)
        assert caught.value.code == "nothing_to_retry"

    def test_reviewed_case(self, staff, failed):
        ReviewFactory(submission=failed.image.submission)
        with pytest.raises(ConflictError) as caught:
            retry_submission(actor=staff.clinician, submission=failed.image.submission)
        assert caught.value.code == "already_reviewed"

    def test_shadow_that_answered_is_not_asked_again(self, staff, failed):
        trial = ModelVersionFactory(shadow=True)
        PredictionFactory(image=failed.image, model_version=trial, is_shadow=True, state="succeeded")
        assert retry_submission(actor=staff.clinician, submission=failed.image.submission) == 1
        assert failed.image.predictions.filter(model_version=trial).count() == 1

    def test_shadow_that_became_active(self, staff, model):
        image = SubmissionImageFactory(submission=SubmissionFactory(clinic=staff.clinic))
        PredictionFactory(image=image, model_version=ModelVersionFactory(), state="failed")
        PredictionFactory(image=image, model_version=model, is_shadow=True, state="succeeded")
        assert retry_submission(actor=staff.clinician, submission=image.submission) == 1
        served = image.predictions.get(model_version=model, is_shadow=False)
        assert served.state == "queued"
