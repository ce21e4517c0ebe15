"""What a patient agrees to is kept as rows and obeyed: no new judgement, no export, without it."""

import csv
import io

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from classifier.models import Consent, Explanation, Patient, Prediction, Submission
from classifier.services.consents import record_consent
from classifier.services.errors import ConflictError, InvalidInputError
from classifier.services.explanations import request_explanation
from classifier.services.inference import Answer, finish_batch
from classifier.services.patients import create_patient, update_patient
from classifier.services.queue import claim_batch
from classifier.services.submissions import Question, create_submission, retry_submission
from classifier.states import PredictionState
from classifier.vocabulary import ConsentPurpose
from portal.audit.models import AuditEvent
from tests.factories import (
    ExplanationFactory,
    LesionFactory,
    PatientFactory,
    PredictionFactory,
    answered_submission,
    new_image,
)


@pytest.fixture
def say(side):
    def record(patient, purpose, is_given):
        return record_consent(actor=side.own.clinician, patient=patient, purpose=purpose, is_given=is_given)

    return record


class TestHistory:
    def test_every_word_is_a_row_with_who_and_when(self, side, say):
        patient = create_patient(actor=side.own.clinician, clinic=side.own.clinic, mrn="A-1")
        say(patient, "teaching", True)
        say(patient, "teaching", True)
        say(patient, "teaching", False)
        rows = list(patient.consents.values_list("purpose", "is_given", "recorded_by"))
        person = side.own.clinician.pk
        assert rows == [
            ("teaching", False, person),
            ("teaching", True, person),
            ("inference", True, person),
        ]
        assert Patient.objects.get().consents_to_teaching is False
        events = AuditEvent.objects.filter(action__startswith="consent.").order_by("position")
        assert [(e.action, e.details) for e in events] == [
            ("consent.given", {"purpose": "teaching"}),
            ("consent.withdrawn", {"purpose": "teaching"}),
        ]

    def test_correcting_the_patient_writes_the_row_too(self, side):
        patient = create_patient(actor=side.own.clinician, clinic=side.own.clinic, mrn="A-1")
        update_patient(actor=side.own.clinician, patient=patient, consents_to_inference=False, sex="male")
        found = Patient.objects.get()
        assert (found.consents_to_inference, found.sex) == (False, "male")
        assert [row.is_given for row in patient.consents.all()] == [False, True]

    def test_rows_never_change(self, side, say):
        say(PatientFactory(clinic=side.own.clinic), "teaching", True)
        with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
            Consent.objects.update(is_given=False)

    def test_unknown_purpose(self, side, say):
        with pytest.raises(InvalidInputError) as error:
            say(PatientFactory(clinic=side.own.clinic), "advertising", True)
        assert error.value.code == "purpose_unknown"


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
        assert event.details == {"purpose": "inference", "predictions_stopped": 2}

    def test_answer_of_a_worker_that_was_at_it_is_dropped(self, side, say):
        case = answered_submission(side.own)
        PredictionFactory(submission=case)
        (row,) = claim_batch(worker="elsewhere/1/1", limit=8)
        say(case.lesion.patient, "inference", False)
        answer = Answer(row, PredictionState.FAILED, {"error_code": "late", "error_message": "Late."})
        assert finish_batch([answer]) == 0
        assert Prediction.objects.get(pk=row.pk).error_code == "consent_withdrawn"

    def test_nothing_new_is_taken(self, side):
        lesion = LesionFactory(clinic=side.own.clinic)
        # Read before the withdrawal: the lock in the transaction is what counts.
        assert lesion.patient.consents_to_inference
        Patient.objects.update(consents_to_inference=False)
        with pytest.raises(InvalidInputError) as error:
            create_submission(
                actor=side.own.clinician, lesion=lesion, images=[new_image()], question=Question()
            )
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


class TestExports:
    def take(self, client):
        answer = client.post(reverse("submission-export"))
        rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))
        return answer, [row["submission_id"] for row in rows]

    def test_cases_without_consent_stay_behind_and_are_counted(self, side, say, log_in):
        kept, left = answered_submission(side.own), answered_submission(side.own)
        client = log_in(side.own.administrator)
        assert len(self.take(client)[1]) == 2
        say(left.lesion.patient, "training", False)
        answer, ids = self.take(client)
        assert ids == [str(kept.pk)]
        assert answer["X-Left-Out"] == "1"
        assert answer["Content-Disposition"].endswith('-without-1.csv"')
        event = AuditEvent.objects.filter(action="submission.exported").latest("position")
        assert event.details == {"count": 1, "left_out": 1, "filters": []}


class TestPage:
    def test_shows_the_state_and_the_history(self, side, say, log_in):
        patient = PatientFactory(clinic=side.own.clinic)
        say(patient, "teaching", True)
        say(patient, "training", False)
        client = log_in(side.own.clinician)
        page = client.get(reverse("patient-privacy", args=[patient.pk])).content.decode()
        for words in ("Record the withdrawal", "Record the consent", str(side.own.clinician)):
            assert words in page
        assert "Erase" not in page
        facts = client.get(reverse("patient-detail", args=[patient.pk])).content.decode()
        assert "agrees to teaching" in facts
        assert "no exports" in facts

    @pytest.mark.parametrize("purpose", ConsentPurpose.values)
    def test_records_and_withdraws(self, side, log_in, purpose):
        patient = PatientFactory(clinic=side.own.clinic)
        client = log_in(side.own.clinician)
        address = reverse("patient-consent", args=[patient.pk])
        for given in ("no", "yes"):
            client.post(address, {"purpose": purpose, "given": given})
            assert patient.consents.first().is_given == (given == "yes")

    def test_unknown_purpose_is_told(self, side, log_in):
        patient = PatientFactory(clinic=side.own.clinic)
        client = log_in(side.own.clinician)
        address = reverse("patient-consent", args=[patient.pk])
        page = client.post(address, {"purpose": "x", "given": "yes"}, follow=True)
        assert "The purpose can be one of" in page.content.decode()
