"""Without consent nothing new is judged, and what waits is stopped."""

import pytest
from django.urls import reverse

from classifier.cases.explanations import request_explanation
from classifier.cases.withdrawal import retry_submission
from classifier.consents import state_inference_consent
from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.states import PredictionState
from classifier.engine.queue import claim_batch
from classifier.engine.run import Answer, finish_batch
from classifier.models import Explanation, Patient, Prediction, Submission
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    ExplanationFactory,
    LesionFactory,
    PredictionFactory,
    answered_submission,
    submit,
)


class TestInference:
    def test_what_waits_or_runs_is_stopped_with_a_reason(self, side, say):
        done = answered_submission(side.own)
        patient = done.lesion.patient
        case = answered_submission(side.own, lesion=done.lesion)
        waiting = PredictionFactory(image=case.images.get(), is_shadow=True)
        running = PredictionFactory(submission=case, state="running")
        drawing = ExplanationFactory(prediction=done.images.get().predictions.get())
        elsewhere = PredictionFactory()
        say(patient, "inference", False)
        for row in (waiting, running):
            row.refresh_from_db()
            assert (row.state, row.error_code) == ("cancelled", "consent_withdrawn")
        assert Explanation.objects.get(pk=drawing.pk).error_code == "consent_withdrawn"
        assert Prediction.objects.filter(state="succeeded").count() == 2
        assert Prediction.objects.get(pk=elsewhere.pk).state == "queued"
        event = AuditEvent.objects.get(action="consent.withdrawn")
        assert event.details == {"purpose": "inference", "origin": "stated", "predictions_stopped": 2}

    def test_answer_of_a_worker_that_was_at_it_is_dropped(self, side, say):
        case = answered_submission(side.own)
        PredictionFactory(submission=case)
        (row,) = claim_batch(worker="elsewhere/1/1", limit=8)
        say(case.lesion.patient, "inference", False)
        answer = Answer(row, PredictionState.FAILED, {"error_code": "late", "error_message": "Late."})
        assert finish_batch([answer]) == 0
        assert Prediction.objects.get(pk=row.pk).error_code == "consent_withdrawn"

    def test_what_a_case_says_overwrites_no_answer_of_the_same_moment(self, side):
        patient = LesionFactory(
            clinic=side.own.clinic, patient__clinic=side.own.clinic, patient__consents_to_inference=None
        ).patient
        # Read before the patient said no; the lock in the transaction is what counts.
        Patient.objects.update(consents_to_inference=False)
        with pytest.raises(InvalidInputError) as error:
            state_inference_consent(actor=side.own.clinician, patient=patient, is_given=True)
        assert error.value.code == "consent_missing"
        patient.refresh_from_db()
        assert patient.consents_to_inference is False

    def test_nothing_new_is_taken(self, side):
        lesion = LesionFactory(clinic=side.own.clinic)
        # Read before the withdrawal: the lock in the transaction is what counts.
        assert lesion.patient.consents_to_inference
        Patient.objects.update(consents_to_inference=False)
        with pytest.raises(InvalidInputError) as error:
            submit(side.own.clinician, lesion)
        assert error.value.code == "consent_missing"
        assert not Submission.objects.exists()

    def test_nothing_is_tried_again_or_explained(self, side, say):
        case = answered_submission(side.own)
        failed = answered_submission(side.own, lesion=case.lesion)
        Prediction.objects.filter(image__submission=failed)
        PredictionFactory(submission=failed, state="failed")
        say(case.lesion.patient, "inference", False)
        with pytest.raises(InvalidInputError):
            retry_submission(actor=side.own.clinician, submission=failed)
        with pytest.raises(ConflictError) as error:
            request_explanation(actor=side.own.clinician, prediction=case.images.get().predictions.get())
        assert error.value.code == "consent_withdrawn"

    def test_page_of_the_case_says_why(self, side, say, log_in):
        case = answered_submission(side.own)
        PredictionFactory(submission=case)
        say(case.lesion.patient, "inference", False)
        page = log_in(side.own.clinician).get(reverse("submission-detail", args=[case.pk]))
        assert "The patient withdrew the consent" in page.content.decode()
