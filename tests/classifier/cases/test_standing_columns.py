"""Standing columns: every change keeps them right, what of it is news, and the command that checks them."""

import datetime as dt
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from classifier.cases.follow_up import take_over
from classifier.cases.hand_over import end_access, hand_over_work
from classifier.cases.histopathology import Finding, correct_outcome, record_outcome
from classifier.cases.reviews import Decision, amend_review, sign_review
from classifier.cases.targets import set_targets
from classifier.cases.withdrawal import cancel_submission, retry_submission
from classifier.consents import record_consent
from classifier.domain.vocabulary import UNSPECIFIED_SITE
from classifier.engine.queue import prediction_claims
from classifier.intake.submission import CaseLesion, CasePatient, Question, submit_case
from classifier.models import Lesion, Patient, Prediction, Submission
from classifier.orders import acknowledge_order, take_back_acknowledgement
from classifier.privacy.erasure import erase_patient
from classifier.standing.columns import find_differences, refresh_standing
from classifier.standing.locks import lock_patients
from portal.trust.accounts.models import Clinic
from tests import factories
from tests.factories import (
    LesionFactory,
    MembershipFactory,
    OutcomeFactory,
    PredictionFactory,
    SubmissionFactory,
    active_model,
    answered_submission,
    restated_together,
    sent_image,
    staff_clinic,
)
from tests.support.threads import run_in_threads


def held(row):
    row.refresh_from_db()
    return row.standing, row.standing_basis


def submit(staff, lesion=None):
    return factories.submit(staff.clinician, lesion or LesionFactory(clinic=staff.clinic), [3])


def sign(staff, case, diagnosis="melanoma", management="excise"):
    return sign_review(
        actor=staff.dermatologist,
        submission=case,
        decision=Decision(diagnosis=diagnosis, management=management),
    )


def find(diagnosis="melanoma_invasive"):
    return Finding(
        diagnosis=diagnosis,
        procedure="excision",
        specimen_taken_on=timezone.localdate(),
        reported_on=timezone.localdate(),
    )


def amend(staff, case):
    amend_review(
        actor=staff.dermatologist,
        review=sign(staff, case),
        decision=Decision(diagnosis="naevus", management="new_image"),
        reason="Slip.",
    )


def correct(staff, case):
    outcome = record_outcome(actor=staff.clinician, lesion=case.lesion, finding=find())
    correct_outcome(actor=staff.clinician, outcome=outcome, finding=find("naevus"), reason="Wrong glass.")


def acknowledge(staff, case):
    sign(staff, case)
    return acknowledge_order(actor=staff.clinician, submission=case, done="excised")


def hand_over(staff, case):
    colleague = MembershipFactory(clinic=staff.clinic, role="clinician").user
    membership = staff.clinic.memberships.get(user=staff.clinician)
    hand_over_work(actor=staff.administrator, membership=membership, responsible=colleague)


def leave_and_take_over(staff, case):
    staff.clinic.memberships.filter(user=staff.clinician).update(is_active=False)
    take_over(actor=staff.dermatologist, submission=case)


def leave(staff, case):
    sign(staff, case, management="excise")
    end_access(
        actor=staff.administrator,
        membership=staff.clinic.memberships.get(user=staff.clinician),
        responsible=staff.dermatologist,
        reader=None,
    )


def hand_over_both(staff, case):
    # One person awaits one case and reads another.
    other = answered_submission(staff, "benign")
    Submission.objects.filter(pk=case.pk).update(responsible=staff.dermatologist)
    Submission.objects.filter(pk=other.pk).update(reader=staff.dermatologist)
    colleague = MembershipFactory(clinic=staff.clinic, role="dermatologist").user
    membership = staff.clinic.memberships.get(user=staff.dermatologist)
    hand_over_work(actor=staff.administrator, membership=membership, responsible=colleague, reader=colleague)


def answer_with_consent(staff, case, *, recorded_in="", **stated):
    """What the patient says comes with the image that answers an order."""
    sign(staff, case, management="new_image")
    Patient.objects.update(consents_to_inference=None)
    Clinic.objects.update(consent_recorded_in=recorded_in)
    lesion = Lesion.objects.select_related("patient__clinic").get(pk=case.lesion_id)
    submit_case(
        actor=staff.clinician,
        clinic=lesion.patient.clinic,
        patient=CasePatient(known=lesion.patient, **stated),
        lesion=CaseLesion(known=lesion),
        images=[sent_image(3)],
        question=Question(),
    )
    assert Submission.objects.get(pk=case.pk).order_due_at is None


def withdraw_answer(staff, case):
    sign(staff, case, management="new_image")
    cancel_submission(actor=staff.clinician, submission=submit(staff, case.lesion))


def send_new_lesion(staff, case):
    submit_case(
        actor=staff.clinician,
        clinic=staff.clinic,
        patient=CasePatient(known=case.lesion.patient),
        lesion=CaseLesion(body_site=UNSPECIFIED_SITE),
        images=[sent_image(3)],
        question=Question(),
    )


def erase(staff, case):
    sign(staff, case)
    submit(staff, case.lesion)
    erase_patient(actor=staff.administrator, patient=case.lesion.patient, reason="request")


def change_deadlines(staff, case):
    sign(staff, case)
    set_targets(
        actor=staff.administrator,
        clinic=staff.clinic,
        reading_target_days=3,
        order_target_days={"excise": 7},
    )


def spend_attempts(staff, case):
    later = submit(staff, case.lesion)
    rows = Prediction.objects.filter(image__submission=later)
    rows.update(
        state="running",
        attempt=99,
        claim=later.pk,
        worker="x",
        started_at=timezone.now(),
        lease_until=timezone.now() - dt.timedelta(seconds=9),
    )
    prediction_claims.give_back(rows.filter(state="running"), reason="its lease ran out")


CHANGES = {
    "submit": lambda staff, case: submit(staff, case.lesion),
    "fail": spend_attempts,
    "withdraw": lambda staff, case: cancel_submission(
        actor=staff.clinician, submission=case, reason="Sent twice."
    ),
    "sign": sign,
    "amend": amend,
    "histopathology": lambda staff, case: record_outcome(
        actor=staff.clinician, lesion=case.lesion, finding=find()
    ),
    "correction": correct,
    "consent withdrawn": lambda staff, case: (
        submit(staff, case.lesion),
        record_consent(
            actor=staff.clinician, patient=case.lesion.patient, purpose="inference", is_given=False
        ),
    ),
    "erasure": erase,
    "hand-over": hand_over,
    "hand-over of both": hand_over_both,
    "leave": leave,
    "take over": leave_and_take_over,
    "answer with a consent recorded elsewhere": lambda staff, case: answer_with_consent(
        staff, case, recorded_in="The paper file"
    ),
    "answer with a consent": lambda staff, case: answer_with_consent(staff, case, consents_to_inference=True),
    "withdraw what answered": withdraw_answer,
    "new lesion": send_new_lesion,
    "acknowledge": acknowledge,
    "take back": lambda staff, case: take_back_acknowledgement(
        actor=staff.clinician, acknowledgement=acknowledge(staff, case)
    ),
    "deadlines": change_deadlines,
}


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_keeps_the_columns_right(staff, model, change):
    case = answered_submission(staff, "benign")
    other = answered_submission(staff, "malignant", lesion=LesionFactory(patient=case.lesion.patient))
    assert not list(find_differences())
    before = Submission.objects.filter(pk=case.pk).values().get()
    CHANGES[change](staff, case)
    assert list(find_differences()) == []
    if change not in ("submit", "fail", "consent withdrawn", "new lesion"):
        assert Submission.objects.filter(pk=case.pk).values().get() != before
    other.refresh_from_db()
    assert other.standing == "malignant"


@pytest.mark.django_db
def test_retry_keeps_the_columns_right(staff, model):
    case = submit(staff)
    Prediction.objects.update(
        state="failed", finished_at=timezone.now(), error_code="x", error_message="x", attempt=1
    )
    refresh_standing([case.pk])
    assert Submission.objects.get().state == "no_result"
    retry_submission(actor=staff.clinician, submission=case)
    assert Submission.objects.get().state == "in_work"
    assert not list(find_differences())


@pytest.mark.django_db
class TestNews:
    def test_own_act_is_no_news(self, staff, model):
        case = submit(staff)
        assert not Submission.objects.get(pk=case.pk).is_unread

    def test_what_was_done_about_an_order_is_no_news(self, staff):
        case = answered_submission(staff, "malignant")
        sign(staff, case)
        Submission.objects.update(is_unread=False)
        acknowledge_order(actor=staff.dermatologist, submission=case, done="excised")
        set_targets(
            actor=staff.administrator, clinic=staff.clinic, reading_target_days=3, order_target_days={}
        )
        assert not Submission.objects.get().is_unread

    def test_answer_of_the_model_is_news_though_a_pathologist_spoke_before(self, staff):
        lesion = LesionFactory(clinic=staff.clinic)
        OutcomeFactory(lesion=lesion, diagnosis="melanoma_invasive")
        case = answered_submission(staff, "benign", lesion=lesion)
        assert held(case) == ("malignant", "histopathology")
        assert case.is_unread


@pytest.mark.django_db
class TestCommand:
    def test_says_and_mends(self, staff):
        case = answered_submission(staff, "malignant")
        call_command("check_standing", stdout=StringIO())
        Submission.objects.update(standing="benign", standing_rank=6, is_unread=False)
        Patient.objects.update(standing="", standing_basis="", standing_at=None, standing_rank=9)
        out = StringIO()
        with pytest.raises(CommandError, match="columns differ"):
            call_command("check_standing", stdout=out)
        assert f"submission {case.pk}: standing is benign, and the rows say malignant" in out.getvalue()
        out = StringIO()
        call_command("check_standing", "--mend", stdout=out)
        assert "Mended the columns of 1 patients." in out.getvalue()
        assert held(case) == ("malignant", "model")
        assert case.is_unread
        assert held(case.lesion.patient) == ("malignant", "model")
        call_command("check_standing", stdout=StringIO())


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_two_answers_of_one_case_finished_at_once():
    """Each transaction sees its own answer alone; the later one must see both."""
    staff = staff_clinic()
    case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
    with restated_together():
        rows = [PredictionFactory(submission=case, state="running") for _ in range(6)]
    answers = ["benign", "benign", "malignant", "benign", "refer", "benign"]
    version = active_model()

    def finish(number):
        with transaction.atomic():
            lock_patients(images=[rows[number].image_id])
            Prediction.objects.filter(pk=rows[number].pk).update(
                state="succeeded",
                outcome=answers[number],
                probability=0.5,
                calibrated_probability=0.5,
                threshold_policy=version.policy,
                finished_at=timezone.now(),
                lease_until=None,
                device="CPU: test",
            )
            refresh_standing([case.pk])

    results = run_in_threads(len(rows), finish)
    assert results == [None] * len(rows)
    assert held(case) == ("malignant", "model")
    assert case.state == "awaiting_review"
    assert not list(find_differences())
