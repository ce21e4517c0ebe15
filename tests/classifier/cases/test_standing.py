"""What a case, a lesion and a patient are held for: the rule, and that every change keeps the columns right."""

import datetime as dt
import itertools
import threading
import time
import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from classifier.cases import targets
from classifier.cases.follow_up import take_over
from classifier.cases.hand_over import end_access, hand_over_work
from classifier.cases.histopathology import Finding, correct_outcome, record_outcome
from classifier.cases.reviews import Decision, amend_review, sign_review
from classifier.cases.targets import set_targets
from classifier.cases.withdrawal import cancel_submission, retry_submission
from classifier.consents import record_consent
from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.vocabulary import UNSPECIFIED_SITE, Diagnosis, Management, Standing
from classifier.engine.queue import prediction_claims
from classifier.intake.submission import CasePatient, NewLesion, Question, submit_case
from classifier.models import Lesion, Patient, Prediction, Submission
from classifier.orders import acknowledge_order, take_back_acknowledgement
from classifier.privacy.erasure import erase_patient
from classifier.standing.columns import find_differences, refresh_standing
from classifier.standing.locks import lock_patients
from classifier.standing.standing import find_agreement, rank
from portal.trust.accounts.models import Clinic
from tests import factories
from tests.factories import (
    AcknowledgementFactory,
    LesionFactory,
    MembershipFactory,
    OutcomeFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    active_model,
    answered_submission,
    sent_image,
    staff_clinic,
)
from tests.support.threads import run_in_threads


def taken(days):
    """The days of a specimen taken so many days ago."""
    day = timezone.localdate()
    return {"specimen_taken_on": day - dt.timedelta(days=days), "reported_on": day}


def held(row):
    row.refresh_from_db()
    return row.standing, row.standing_basis


@pytest.mark.django_db
class TestCase:
    @pytest.mark.parametrize(
        ("outcomes", "standing"),
        [
            (["benign"], "benign"),
            (["benign", "refer"], "refer"),
            (["benign", "refer", "malignant"], "malignant"),
        ],
    )
    def test_model(self, staff, outcomes, standing):
        assert held(answered_submission(staff, *outcomes)) == (standing, "model")

    def test_signature_outweighs_the_model(self, staff):
        case = answered_submission(staff, "benign")
        review = ReviewFactory(submission=case, diagnosis="melanoma", signed_by=staff.dermatologist)
        assert held(case) == ("malignant", "review")
        assert (case.standing_diagnosis, case.standing_person, case.standing_at) == (
            "melanoma",
            staff.dermatologist,
            review.signed_at,
        )
        assert case.model_answer == "benign"
        ReviewFactory(amends=review, diagnosis="naevus")
        assert held(case) == ("benign", "review")

    def test_malignant_histopathology_outweighs_all(self, staff):
        case = answered_submission(staff, "benign")
        ReviewFactory(submission=case, diagnosis="naevus")
        finding = OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_in_situ")
        assert held(case) == ("malignant", "histopathology")
        assert case.standing_person == finding.recorded_by
        OutcomeFactory(lesion=case.lesion, diagnosis="naevus", **taken(0))
        assert held(case) == ("malignant", "histopathology"), "a later benign specimen takes nothing back"

    def test_benign_histopathology_speaks_of_what_came_before_its_specimen(self, staff):
        before, after = answered_submission(staff, "malignant"), answered_submission(staff, "malignant")
        Submission.objects.filter(pk=after.pk).update(lesion=before.lesion)
        Submission.objects.filter(pk=before.pk).update(submitted_at=timezone.now() - dt.timedelta(days=9))
        OutcomeFactory(lesion=before.lesion, diagnosis="naevus", **taken(3))
        assert held(before) == ("benign", "histopathology")
        assert held(after) == ("malignant", "model")

    def test_benign_histopathology_ends_the_urgency_of_what_was_ordered(self, staff):
        case = answered_submission(staff, "malignant")
        ReviewFactory(submission=case, diagnosis="melanoma", management="urgent_referral")
        assert Submission.objects.get().standing_rank == 0
        OutcomeFactory(lesion=case.lesion, diagnosis="naevus", **taken(0))
        assert Submission.objects.get().standing_rank == rank("benign", "histopathology")

    def test_what_is_ordered_after_benign_histopathology_is_urgent(self, staff):
        case = answered_submission(staff, "malignant")
        OutcomeFactory(lesion=case.lesion, diagnosis="naevus", **taken(0))
        ReviewFactory(submission=case, diagnosis="melanoma", management="urgent_referral")
        assert held(case) == ("benign", "histopathology")
        assert case.standing_rank == 0, "the specimen may have missed it"

    @pytest.mark.parametrize(
        ("outcome", "expected"),
        [
            ("benign", ("indeterminate", "histopathology")),
            ("malignant", ("malignant", "model")),
            ("refer", ("refer", "model")),
        ],
    )
    def test_inconclusive_histopathology_makes_nothing_benign(self, staff, outcome, expected):
        case = answered_submission(staff, outcome)
        OutcomeFactory(lesion=case.lesion, diagnosis="inconclusive", **taken(0))
        assert held(case) == expected

    @pytest.mark.parametrize(
        ("earlier", "later", "expected"),
        [
            ("naevus", "inconclusive", ("indeterminate", "histopathology")),
            ("inconclusive", "naevus", ("benign", "histopathology")),
        ],
    )
    def test_newest_of_several_specimens_decides(self, staff, earlier, later, expected):
        case = answered_submission(staff, "benign", submitted_at=timezone.now() - dt.timedelta(days=9))
        ReviewFactory(submission=case, diagnosis="naevus", management="excise")
        # Recorded the other way round: the day of the specimen counts.
        OutcomeFactory(lesion=case.lesion, diagnosis=later, **taken(1))
        OutcomeFactory(lesion=case.lesion, diagnosis=earlier, **taken(5))
        assert held(case) == held(case.lesion) == expected

    def test_corrected_histopathology_counts_no_more(self, staff):
        case = answered_submission(staff, "benign")
        wrong = OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_invasive")
        OutcomeFactory(corrects=wrong, diagnosis="naevus", **taken(0))
        assert held(case) == ("benign", "histopathology")

    def test_withdrawn(self, staff):
        case = SubmissionFactory(
            clinic=staff.clinic, cancelled_at=timezone.now(), cancelled_by=staff.clinician
        )
        OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_invasive")
        assert held(case) == ("withdrawn", "state")

    def test_not_judged(self, staff):
        refused = PredictionFactory(refused=True).image.submission
        assert held(refused) == ("not_judged", "state")
        failed = PredictionFactory(state="failed").image.submission
        assert held(failed) == ("not_judged", "state")
        overview = SubmissionImageFactory(capture_kind="overview").submission
        assert held(overview) == ("not_judged", "state")
        assert (overview.state, overview.model_answer) == ("awaiting_review", "not_asked")

    def test_close_up_says_nothing_of_the_case(self, staff):
        case = answered_submission(staff, "benign")
        SubmissionImageFactory(submission=case, capture_kind="clinical")
        assert held(case) == ("benign", "model")


@pytest.mark.django_db
class TestLesionAndPatient:
    def test_worst_open_not_the_latest(self, staff):
        first = answered_submission(staff, "malignant")
        answered_submission(staff, "benign", lesion=first.lesion)
        lesion = Lesion.objects.get()
        assert (lesion.standing, lesion.standing_case) == ("malignant", first)
        other = LesionFactory(patient=lesion.patient)
        answered_submission(staff, "refer", lesion=other)
        patient = Patient.objects.get()
        assert (patient.standing, patient.standing_lesion) == ("malignant", lesion)
        ReviewFactory(submission=first, diagnosis="naevus")
        patient.refresh_from_db()
        assert (patient.standing, patient.standing_lesion) == ("refer", other)

    def test_not_judged_is_settled_by_a_later_case(self, staff):
        first = PredictionFactory(submission=SubmissionFactory(clinic=staff.clinic), state="failed")
        lesion = first.image.submission.lesion
        assert held(lesion)[0] == "not_judged"
        answered_submission(staff, "benign", lesion=lesion)
        assert held(lesion)[0] == "benign"

    def test_not_judged_after_a_benign_one_is_open(self, staff):
        first = answered_submission(staff, "benign")
        PredictionFactory(submission=SubmissionFactory(lesion=first.lesion), state="failed")
        assert held(first.lesion)[0] == "not_judged"

    @pytest.mark.parametrize("management", ["urgent_referral", "excise", "see_in_person"])
    def test_what_cant_be_told_is_open_while_its_order_is(self, staff, management):
        first = answered_submission(staff, "refer")
        review = ReviewFactory(submission=first, diagnosis="indeterminate", management=management)
        later = answered_submission(staff, "benign", lesion=first.lesion)
        ReviewFactory(submission=later, diagnosis="naevus")
        assert held(first.lesion) == ("indeterminate", "review")
        assert held(first.lesion.patient) == ("indeterminate", "review")
        AcknowledgementFactory(review=review)
        assert held(first.lesion) == ("benign", "review")

    @pytest.mark.parametrize("diagnosis", ["indeterminate", "naevus"])
    def test_a_newer_urgent_referral_hides_no_melanoma(self, staff, diagnosis):
        proven = answered_submission(staff, "malignant")
        OutcomeFactory(lesion=proven.lesion, diagnosis="melanoma_invasive")
        other = answered_submission(staff, "refer", lesion=LesionFactory(patient=proven.lesion.patient))
        ReviewFactory(submission=other, diagnosis=diagnosis, management="urgent_referral")
        patient = Patient.objects.get()
        assert (patient.standing, patient.standing_lesion) == ("malignant", proven.lesion)
        signed = answered_submission(staff, "malignant")
        ReviewFactory(submission=signed, diagnosis="melanoma", management="excise")
        newer = answered_submission(staff, "refer", lesion=signed.lesion)
        ReviewFactory(submission=newer, diagnosis=diagnosis, management="urgent_referral")
        assert held(signed.lesion) == ("malignant", "review")

    def test_finding_stands_with_a_case_of_which_it_speaks(self, staff):
        for first in "0a":
            pk = uuid.UUID(first * 32)
            case = answered_submission(staff, "malignant", pk=pk)
            OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_invasive")
            assert Lesion.objects.get(pk=case.lesion_id).standing_case == case

    def test_withdrawn_says_nothing(self, staff):
        case = answered_submission(staff, "benign")
        cancel_submission(actor=staff.clinician, submission=case, reason="Sent twice.")
        assert held(case.lesion) == ("", "")
        assert held(case.lesion.patient) == ("", "")

    def test_specimen_without_a_case(self, staff):
        lesion = LesionFactory(clinic=staff.clinic)
        OutcomeFactory(lesion=lesion, diagnosis="melanoma_invasive")
        assert held(lesion) == ("malignant", "histopathology")
        assert held(lesion.patient) == ("malignant", "histopathology")
        assert not list(find_differences())


class TestRank:
    def test_what_people_found_comes_before_what_the_model_says(self):
        order = [
            ("malignant", "histopathology", ""),
            ("malignant", "model", ""),
            ("indeterminate", "review", ""),
            ("refer", "model", ""),
            ("not_judged", "state", ""),
            ("in_work", "state", ""),
            ("benign", "model", ""),
            ("benign", "review", ""),
            ("withdrawn", "state", ""),
        ]
        ranks = [rank(*row) for row in order]
        assert ranks == sorted(ranks)
        assert len(set(ranks)) == len(ranks)

    @pytest.mark.parametrize("standing", [one for one in Standing if one != Standing.WITHDRAWN])
    def test_urgent_referral_is_first_whatever_the_diagnosis(self, standing):
        assert rank(standing, "review", Management.URGENT_REFERRAL) == 0

    def test_agreement_follows_from_the_diagnosis(self):
        found = {
            (diagnosis, answer): find_agreement(diagnosis, answer)
            for diagnosis, answer in itertools.product(Diagnosis, ["benign", "malignant", "refer"])
        }
        assert found["melanoma", "benign"] == found["naevus", "malignant"] == "disagrees"
        assert found["melanoma", "malignant"] == found["naevus", "benign"] == "agrees"
        assert found["indeterminate", "benign"] == "undetermined"
        assert found["melanoma", "refer"] == "no_result"


# --- Every change keeps the columns right ----------------------------------------------------------
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
        lesion=lesion,
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
        lesion=NewLesion(body_site=UNSPECIFIED_SITE),
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
class TestDeadlines:
    def test_open_orders_get_their_new_day(self, staff):
        case = answered_submission(staff, "malignant")
        review = sign(staff, case)
        set_targets(
            actor=staff.administrator,
            clinic=staff.clinic,
            reading_target_days=2,
            order_target_days={"excise": 7, "biopsy": 14},
        )
        assert Submission.objects.get().order_due_at == review.signed_at + dt.timedelta(days=7)
        staff.clinic.refresh_from_db()
        assert staff.clinic.order_target_days == {"excise": 7}, "a default is not kept"

    def test_patients_are_locked_in_one_order_through_all_batches(self, staff, monkeypatch):
        for number in "31524":
            lesion = LesionFactory(clinic=staff.clinic, patient__pk=uuid.UUID(number * 32))
            sign(staff, answered_submission(staff, "malignant", lesion=lesion))
        locked = []
        monkeypatch.setattr(targets, "BATCH", 1)
        monkeypatch.setattr(targets, "lock_patients", lambda *, submissions: locked.extend(submissions))
        set_targets(
            actor=staff.administrator,
            clinic=staff.clinic,
            reading_target_days=2,
            order_target_days={"excise": 7},
        )
        patients = [Submission.objects.get(pk=pk).lesion.patient_id for pk in locked]
        assert patients == sorted(patients)
        assert len(patients) == 5

    def test_what_is_signed_meanwhile_gets_its_new_day_too(self, staff, monkeypatch):
        """Signed after the open orders were listed and before the clinic's row was locked."""
        first, second = (answered_submission(staff, "malignant") for _ in range(2))
        sign(staff, first)
        locked = []

        def lock(*, submissions):
            locked.append(set(submissions))
            if len(locked) == 1:
                sign(staff, second)

        monkeypatch.setattr(targets, "lock_patients", lock)
        set_targets(
            actor=staff.administrator,
            clinic=staff.clinic,
            reading_target_days=2,
            order_target_days={"excise": 7},
        )
        assert locked == [{first.pk}, {first.pk, second.pk}], (
            "it begins again: nobody waits behind the clinic"
        )
        assert not list(find_differences())

    def test_gives_up_where_one_is_signed_after_another(self, staff, monkeypatch):
        sign(staff, answered_submission(staff, "malignant"))
        monkeypatch.setattr(
            targets, "lock_patients", lambda **_: sign(staff, answered_submission(staff, "malignant"))
        )
        with pytest.raises(ConflictError) as caught:
            set_targets(
                actor=staff.administrator,
                clinic=staff.clinic,
                reading_target_days=2,
                order_target_days={"excise": 7},
            )
        assert caught.value.code == "changed_meanwhile"
        assert Clinic.objects.get(pk=staff.clinic.pk).order_target_days == {}

    @pytest.mark.parametrize(
        ("reading", "orders", "code"),
        [
            (0, {}, "days_out_of_range"),
            (31, {}, "days_out_of_range"),
            (2, {"excise": 0}, "days_out_of_range"),
            (2, {"excise": 731}, "days_out_of_range"),
            (2, {"no_action": 5}, "order_unknown"),
        ],
    )
    def test_limits(self, staff, reading, orders, code):
        with pytest.raises(InvalidInputError) as caught:
            set_targets(
                actor=staff.administrator,
                clinic=staff.clinic,
                reading_target_days=reading,
                order_target_days=orders,
            )
        assert caught.value.code == code


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
        assert "1 patients mended." in out.getvalue()
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


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_signed_while_the_days_change():
    """The signature isn't committed when the open orders are listed, and has read the old days."""
    staff = staff_clinic()
    case = answered_submission(staff, "malignant")
    is_signed, is_setting = threading.Event(), threading.Event()

    def act(number):
        if number:
            assert is_signed.wait(20)
            is_setting.set()
            set_targets(
                actor=staff.administrator,
                clinic=staff.clinic,
                reading_target_days=2,
                order_target_days={"excise": 7},
            )
            return
        with transaction.atomic():
            sign(staff, case)
            is_signed.set()
            assert is_setting.wait(20)
            time.sleep(1.5)

    assert run_in_threads(2, act) == [None, None]
    case.refresh_from_db()
    assert case.order_due_at == case.reviews.get().signed_at + dt.timedelta(days=7)
    assert not list(find_differences())
