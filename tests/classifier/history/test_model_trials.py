"""A version on trial beside what was served: counts, flips, signed diagnoses, and who may see them."""

import csv
import io

import pytest
from django.urls import reverse

from classifier.models import Patient, Prediction
from classifier.registry.trials import compare, find_opponents, select_pairs
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    ModelVersionFactory,
    PredictionFactory,
    ReviewFactory,
    active_model,
    answered_submission,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def trial():
    active_model()
    return ModelVersionFactory(shadow=True)


def judge_along(trial, staff, served, said, **values):
    """One case of `staff.clinic`: served as `served`, on trial as `said`."""
    case = answered_submission(staff, served)
    image = case.images.get()
    PredictionFactory(
        image=image, model_version=trial, is_shadow=True, state="succeeded", outcome=said, **values
    )
    return case


def address(trial, name="model-trial"):
    return reverse(name, args=[trial.pk])


class TestCounts:
    def test_table_and_flips(self, clinics, trial):
        for served, said in [
            ("benign", "benign"),
            ("benign", "malignant"),
            ("refer", "benign"),
            ("benign", "benign"),
        ]:
            judge_along(trial, clinics.own, served, said)
        found = compare(select_pairs(trial))
        assert {(row.served, said): n for row in found.table for said, n in row.counts if n} == {
            ("benign", "benign"): 2,
            ("benign", "malignant"): 1,
            ("refer", "benign"): 1,
        }
        assert (found.images, found.same, found.flips) == (4, 2, 2)

    def test_signed_diagnoses(self, clinics, trial):
        for served, said, diagnosis in [
            ("benign", "malignant", "melanoma"),
            ("malignant", "malignant", "melanoma"),
            ("refer", "benign", "naevus"),
            ("benign", "malignant", "indeterminate"),
        ]:
            case = judge_along(trial, clinics.own, served, said)
            first = ReviewFactory(submission=case, diagnosis="other_benign")
            ReviewFactory(amends=first, diagnosis=diagnosis)
        signed = compare(select_pairs(trial)).signed
        assert (signed.images, signed.served_right, signed.trial_right) == (3, 1, 3)
        assert (signed.served_referred, signed.trial_referred) == (1, 0)

    def test_refused_cancelled_and_unserved_images_do_not_count(self, clinics, trial):
        refused = PredictionFactory(refused=True)
        PredictionFactory(
            image=refused.image,
            model_version=trial,
            is_shadow=True,
            state="succeeded",
            refusal_code="blurred",
            outcome="refer",
            probability=None,
            calibrated_probability=None,
        )
        PredictionFactory(model_version=trial, is_shadow=True, state="succeeded")
        cancelled = judge_along(trial, clinics.own, "benign", "malignant")
        cancelled.cancelled_at, cancelled.cancelled_by = cancelled.submitted_at, clinics.own.clinician
        cancelled.save()
        assert not select_pairs(trial).exists()

    def test_newest_served_result_counts(self, clinics, trial):
        case = judge_along(trial, clinics.own, "benign", "malignant")
        later = ModelVersionFactory()
        PredictionFactory(
            image=case.images.get(), model_version=later, state="succeeded", outcome="malignant"
        )
        (opponent,) = find_opponents(select_pairs(trial))
        assert opponent.version == later
        assert compare(select_pairs(trial)).flips == 0


class TestPage:
    def test_administrator_sees_the_flips_of_the_own_clinic(self, client, clinics, trial):
        mine = judge_along(trial, clinics.own, "benign", "malignant", probability=0.97)
        same = judge_along(trial, clinics.own, "benign", "benign")
        foreign = judge_along(trial, clinics.other, "benign", "malignant")
        client.force_login(clinics.own.administrator)
        page = client.get(address(trial)).text
        assert reverse("submission-detail", args=[mine.pk]) in page
        assert "score 97" in page
        assert "score 12" in page
        assert reverse("submission-detail", args=[same.pk]) not in page
        assert reverse("submission-detail", args=[foreign.pk]) not in page
        assert "1 of 2 images: the same as" in page

    def test_looking_leaves_an_event(self, client, clinics, trial):
        judge_along(trial, clinics.own, "benign", "malignant")
        client.force_login(clinics.own.administrator)
        client.get(address(trial))
        event = AuditEvent.objects.get(action="model.compared")
        assert (event.chain.clinic, event.details["count"]) == (clinics.own.clinic, 1)

    def test_operator_sees_counts_of_all_clinics_and_no_patient(self, client, clinics, trial):
        cases = [judge_along(trial, side, "benign", "malignant") for side in (clinics.own, clinics.other)]
        client.force_login(clinics.operator)
        page = client.get(address(trial)).text
        assert "0 of 2 images" in page
        for case in cases:
            assert str(case.pk) not in page
            assert case.lesion.patient.mrn not in page
        assert not AuditEvent.objects.filter(action="model.compared").exists()

    def test_empty_state(self, client, clinics, trial):
        client.force_login(clinics.own.administrator)
        assert "Nothing to compare yet" in client.get(address(trial)).text

    def test_opponent_can_be_chosen(self, client, clinics, trial):
        judge_along(trial, clinics.own, "benign", "malignant")
        former = ModelVersionFactory(name="former")
        case = judge_along(trial, clinics.own, "benign", "benign")
        PredictionFactory(image=case.images.get(), model_version=former, state="succeeded", outcome="benign")
        client.force_login(clinics.own.administrator)
        assert "0 of 1 images: the same as" in client.get(address(trial)).text
        assert "1 of 1 images: the same as former" in client.get(address(trial), {"against": former.pk}).text

    def test_newest_first_and_paged(self, client, clinics, trial, django_assert_max_num_queries):
        for _ in range(27):
            judge_along(trial, clinics.own, "benign", "malignant")
        client.force_login(clinics.own.administrator)
        with django_assert_max_num_queries(25):
            page = client.get(address(trial)).text
        newest = Prediction.objects.filter(is_shadow=True).latest("finished_at").image.submission_id
        assert page.count('class="row"') == 25
        assert str(newest) in page
        assert "of 27 images" in client.get(address(trial), {"page": 2}).text

    def test_models_page_leads_there(self, client, clinics, trial):
        judge_along(trial, clinics.own, "benign", "malignant")
        client.force_login(clinics.own.administrator)
        assert address(trial) in client.get(reverse("model-list")).text


class TestExport:
    def test_flips_of_the_own_clinic(self, client, clinics, trial):
        case = judge_along(trial, clinics.own, "benign", "malignant")
        patient = case.lesion.patient
        patient.mrn = "=1+1"
        patient.save()
        ReviewFactory(submission=case, diagnosis="melanoma")
        judge_along(trial, clinics.own, "benign", "benign")
        judge_along(trial, clinics.other, "benign", "malignant")
        client.force_login(clinics.own.administrator)
        text = client.post(address(trial, "model-trial-export")).getvalue().decode("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(text))
        assert (row["served_outcome"], row["trial_outcome"]) == ("benign", "malignant")
        assert (row["mrn"], row["signed_diagnosis"]) == ("'=1+1", "melanoma")
        event = AuditEvent.objects.get(action="model.comparison_exported")
        assert (event.chain.clinic, event.details["count"]) == (clinics.own.clinic, 1)

    def test_patients_who_withdrew_the_consent_stay_behind(self, client, clinics, trial):
        kept, left = (judge_along(trial, clinics.own, "benign", "malignant") for _ in range(2))
        Patient.objects.filter(pk=left.lesion.patient_id).update(consents_to_training=False)
        client.force_login(clinics.own.administrator)
        answer = client.post(address(trial, "model-trial-export"))
        rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
        assert [row["submission_id"] for row in rows] == [str(kept.pk)]
        assert answer["X-Left-Out"] == "1"
        event = AuditEvent.objects.get(action="model.comparison_exported")
        assert (event.details["count"], event.details["left_out"]) == (1, 1)
