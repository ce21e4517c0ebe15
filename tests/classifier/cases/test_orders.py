"""What a dermatologist ordered stays open until somebody says that it was done."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from classifier import orders
from classifier.cases.histopathology import Finding, correct_outcome, record_outcome
from classifier.cases.reviews import Decision, amend_review, sign_review
from classifier.cases.timeline import build_timeline
from classifier.cases.withdrawal import cancel_submission
from classifier.domain.errors import ChangedError, ServiceError
from classifier.domain.vocabulary import ORDERS, Management
from classifier.models import Acknowledgement, Submission
from classifier.orders import acknowledge_order, take_back_acknowledgement
from classifier.preconditions import tag_of
from classifier.standing.columns import find_differences
from classifier.standing.reviews import IS_IN_FORCE
from classifier.standing.summary import summarise
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    ReviewFactory,
    answered_submission,
    service_account,
    staff_clinic,
    submit,
    two_clinics,
)
from tests.support.threads import run_in_threads

TODAY = dt.timedelta(0)


def signed(staff, management="urgent_referral", *, diagnosis="melanoma", **case):
    row = answered_submission(staff, "malignant", **case)
    sign_review(
        actor=staff.dermatologist,
        submission=row,
        decision=Decision(diagnosis=diagnosis, management=management),
    )
    row.refresh_from_db()
    return row


def due(case):
    return Submission.objects.get(pk=case.pk).order_due_at


def code_of(act) -> str:
    with pytest.raises(ServiceError) as caught:
        act()
    return caught.value.code


def send_again(staff, case):
    return submit(staff.clinician, case.lesion, [7])


def report(staff, case, *, taken, procedure="excision", diagnosis="melanoma_invasive"):
    day = timezone.localdate() + taken
    finding = Finding(
        diagnosis=diagnosis,
        procedure=procedure,
        specimen_taken_on=day,
        reported_on=timezone.localdate(),
    )
    return record_outcome(actor=staff.clinician, lesion=case.lesion, finding=finding)


def correct(staff, outcome, *, days, procedure, diagnosis="melanoma_invasive"):
    day = timezone.localdate() + dt.timedelta(days=days)
    finding = Finding(
        diagnosis=diagnosis,
        procedure=procedure,
        specimen_taken_on=day,
        reported_on=timezone.localdate(),
    )
    return correct_outcome(actor=staff.clinician, outcome=outcome, finding=finding, reason="Wrong day.")


@pytest.mark.django_db
class TestAcknowledge:
    @pytest.mark.parametrize("management", list(ORDERS))
    def test_every_order_is_open_until_somebody_says_it_is_done(self, staff, management):
        case = signed(staff, management)
        review = case.reviews.get()
        assert due(case) == review.signed_at + dt.timedelta(days=ORDERS[management])
        row = acknowledge_order(
            actor=staff.clinician,
            submission=case,
            done="referred",
            done_on=timezone.localdate(),
            note=" To the clinic for skin cancer. ",
        )
        assert (row.review, row.done, row.note) == (review, "referred", "To the clinic for skin cancer.")
        assert row.acknowledged_by == staff.clinician
        assert due(case) is None
        event = AuditEvent.objects.get(action="order.acknowledged")
        assert (event.object_id, event.details) == (
            str(case.pk),
            {"review": str(review.pk), "done": "referred"},
        )
        assert not list(find_differences())

    def test_nothing_is_ordered(self, staff):
        act = lambda case: acknowledge_order(actor=staff.clinician, submission=case, done="seen")  # noqa: E731
        assert code_of(lambda: act(signed(staff, "no_action"))) == "no_open_order"
        assert code_of(lambda: act(answered_submission(staff, "malignant"))) == "no_open_order"

    @pytest.mark.parametrize(
        ("values", "code"),
        [
            ({"done": "forgotten"}, "done_unknown"),
            ({"done": "other"}, "note_missing"),
            ({"done": "other", "note": "  "}, "note_missing"),
            ({"done": "seen", "note": "x" * 501}, "note_too_long"),
            ({"done": "seen", "done_on": 1}, "date_in_future"),
            ({"done": "seen", "done_on": -1}, "date_before_signature"),
        ],
    )
    def test_words_and_days(self, staff, values, code):
        case = signed(staff)
        values = dict(values)
        if "done_on" in values:
            values["done_on"] = timezone.localdate() + dt.timedelta(days=values["done_on"])
        assert code_of(lambda: acknowledge_order(actor=staff.clinician, submission=case, **values)) == code
        assert due(case) is not None

    def test_once(self, staff):
        case = signed(staff)
        acknowledge_order(actor=staff.clinician, submission=case, done="referred")
        again = code_of(lambda: acknowledge_order(actor=staff.dermatologist, submission=case, done="seen"))
        assert again == "already_acknowledged"

    def test_only_what_its_sender_has_read(self, staff):
        case = signed(staff)
        tag = tag_of(case)
        acknowledge_order(actor=staff.clinician, submission=case, done="referred", expected=[tag])
        take_back_acknowledgement(actor=staff.clinician, acknowledgement=Acknowledgement.objects.get())
        row = acknowledge_order(actor=staff.clinician, submission=case, done="referred")
        with pytest.raises(ChangedError):
            take_back_acknowledgement(actor=staff.clinician, acknowledgement=row, expected=[tag])
        case.refresh_from_db()
        take_back_acknowledgement(actor=staff.clinician, acknowledgement=row, expected=[tag_of(case)])
        amend(staff, case, "excise")
        with pytest.raises(ChangedError):
            acknowledge_order(actor=staff.clinician, submission=case, done="excised", expected=[tag])

    def test_who_may(self):
        both = two_clinics()
        case = signed(both.own)
        for person in (both.own.administrator, both.other.clinician, both.outsider):
            with pytest.raises(PermissionDenied):
                acknowledge_order(actor=person, submission=case, done="referred")
        program = service_account(both.own.clinic).user
        row = acknowledge_order(actor=program, submission=case, done="referred")
        for person in (both.own.administrator, both.other.clinician, both.outsider):
            with pytest.raises(PermissionDenied):
                take_back_acknowledgement(actor=person, acknowledgement=row)

    def test_audit_log_says_so_in_words(self, staff):
        case = signed(staff)
        row = acknowledge_order(actor=staff.clinician, submission=case, done="patient_informed")
        take_back_acknowledgement(actor=staff.clinician, acknowledgement=row)
        lines = [event.text for event in build_timeline(case, summarise(case))]
        assert lines[-2:] == [
            "Done: patient informed",
            "Taken back: patient informed. The order is open again",
        ]


@pytest.mark.django_db
class TestTakeBack:
    def test_order_is_open_as_before(self, staff):
        case = signed(staff)
        before = due(case)
        row = acknowledge_order(actor=staff.clinician, submission=case, done="referred")
        row = take_back_acknowledgement(actor=staff.dermatologist, acknowledgement=row)
        assert row.taken_back_by == staff.dermatologist
        assert due(case) == before
        again = code_of(lambda: take_back_acknowledgement(actor=staff.clinician, acknowledgement=row))
        assert again == "already_taken_back"
        acknowledge_order(actor=staff.clinician, submission=case, done="seen")
        assert Acknowledgement.objects.count() == 2
        assert not list(find_differences())

    def test_only_where_nobody_was_faster(self, staff, monkeypatch):
        """An amendment between the look at the tag and the lock is seen behind the lock."""
        case = signed(staff)
        row = acknowledge_order(actor=staff.clinician, submission=case, done="referred")
        tag = tag_of(Submission.objects.get(pk=case.pk))
        monkeypatch.setattr(orders, "lock_patients", lambda **_: amend(staff, case, "excise"))
        with pytest.raises(ChangedError):
            take_back_acknowledgement(actor=staff.clinician, acknowledgement=row, expected=[tag])
        row.refresh_from_db()
        assert row.taken_back_at is None


def amend(staff, case, management):
    current = case.reviews.get(IS_IN_FORCE)
    return amend_review(
        actor=staff.dermatologist,
        review=current,
        decision=Decision(diagnosis="melanoma", management=management),
        reason="Talked to the clinician.",
    )


@pytest.mark.django_db
class TestAmendment:
    def test_another_order_is_open_anew(self, staff):
        case = signed(staff, "biopsy")
        acknowledge_order(actor=staff.clinician, submission=case, done="biopsied")
        newer = amend(staff, case, "excise")
        assert due(case) == newer.signed_at + dt.timedelta(days=ORDERS[Management.EXCISE])
        acknowledge_order(actor=staff.clinician, submission=case, done="excised")
        assert due(case) is None

    def test_same_order_keeps_its_day_and_its_acknowledgement(self, staff):
        case = signed(staff, "biopsy")
        before = due(case)
        amend(staff, case, "biopsy")
        assert due(case) == before
        acknowledge_order(actor=staff.clinician, submission=case, done="biopsied")
        amend(staff, case, "biopsy")
        assert due(case) is None
        again = code_of(lambda: acknowledge_order(actor=staff.clinician, submission=case, done="biopsied"))
        assert again == "already_acknowledged"

    def test_no_order_any_more(self, staff):
        case = signed(staff, "biopsy")
        amend(staff, case, "no_action")
        assert due(case) is None


@pytest.mark.django_db
class TestAnsweredByItself:
    @pytest.mark.parametrize(
        ("management", "is_answered"),
        [
            ("new_image", True),
            ("follow_up", True),
            ("biopsy", False),
            ("urgent_referral", False),
            ("see_in_person", False),
        ],
    )
    def test_new_image_of_the_lesion(self, staff, model, management, is_answered):
        case, other = signed(staff, management), signed(staff, management)
        send_again(staff, case)
        assert (due(case) is None) == is_answered
        assert due(other) is not None
        if is_answered:
            row = Acknowledgement.objects.get()
            assert (row.done, row.done_on) == ("new_image_sent", timezone.localdate())
            assert AuditEvent.objects.get(action="order.acknowledged").details["automatic"]
        assert not list(find_differences())

    def test_withdrawn_image_answers_nothing(self, staff, model):
        case = signed(staff, "new_image")
        first = send_again(staff, case)
        cancel_submission(actor=staff.clinician, submission=first)
        assert due(case) is not None
        assert AuditEvent.objects.filter(action="order.reopened").count() == 1
        second = send_again(staff, case)
        assert due(case) is None
        third = send_again(staff, case)
        cancel_submission(actor=staff.clinician, submission=second)
        assert due(case) is None, "another image of the lesion came after the order"
        cancel_submission(actor=staff.clinician, submission=third)
        assert due(case) is not None, "every image that answered it is withdrawn"
        assert not list(find_differences())

    @pytest.mark.parametrize(
        ("management", "procedure", "done"),
        [
            ("excise", "excision", "excised"),
            ("biopsy", "biopsy", "biopsied"),
            ("excise", "shave", "biopsied"),
            ("urgent_referral", "excision", None),
            ("new_image", "excision", None),
        ],
    )
    def test_specimen(self, staff, management, procedure, done):
        case = signed(staff, management)
        report(staff, case, taken=TODAY, procedure=procedure)
        assert (due(case) is None) == (done is not None)
        assert [row.done for row in Acknowledgement.objects.all()] == ([done] if done else [])
        assert not list(find_differences())

    @pytest.mark.parametrize(
        ("days", "procedure", "is_open", "done"),
        [
            (-1, "excision", True, []),
            (0, "biopsy", False, ["biopsied"]),
            (0, "excision", False, ["excised"]),
        ],
    )
    def test_corrected_day_of_a_specimen_opens_the_order_again(self, staff, days, procedure, is_open, done):
        case = signed(staff, "excise")
        wrong = report(staff, case, taken=TODAY)
        correct(staff, wrong, days=days, procedure=procedure)
        assert (due(case) is not None) == is_open
        assert [row.done for row in Acknowledgement.objects.in_force()] == done
        changed = (days, procedure) != (0, "excision")
        assert AuditEvent.objects.filter(action="order.reopened").count() == int(changed)
        assert not list(find_differences())

    def test_a_second_correction_undoes_what_the_first_report_closed(self, staff):
        case = signed(staff, "excise")
        first = report(staff, case, taken=TODAY)
        second = correct(staff, first, days=0, procedure="excision", diagnosis="naevus")
        assert Acknowledgement.objects.get().taken_back_at is None, "the specimen is the same"
        correct(staff, second, days=-1, procedure="excision")
        assert due(case) is not None

    def test_another_specimen_still_answers(self, staff):
        case = signed(staff, "excise")
        wrong = report(staff, case, taken=TODAY)
        report(staff, case, taken=TODAY, procedure="biopsy")
        correct(staff, wrong, days=-1, procedure="excision")
        assert due(case) is None
        assert [row.done for row in Acknowledgement.objects.in_force()] == ["biopsied"]

    def test_what_a_person_wrote_down_stays(self, staff):
        case = signed(staff, "excise")
        acknowledge_order(actor=staff.clinician, submission=case, done="excised")
        wrong = report(staff, case, taken=TODAY)
        correct(staff, wrong, days=-1, procedure="excision")
        assert due(case) is None

    def test_specimen_after_the_order_and_before_an_amendment_that_leaves_it(self, staff, time_machine):
        ordered = timezone.now() - dt.timedelta(days=5)
        time_machine.move_to(ordered)
        case = signed(staff, "excise")
        time_machine.move_to(ordered + dt.timedelta(days=3))
        amend(staff, case, "excise")
        report(staff, case, taken=dt.timedelta(days=-2))
        assert due(case) is None
        assert Acknowledgement.objects.get().review == case.reviews.get(IS_IN_FORCE)
        assert not list(find_differences())

    def test_specimen_of_before_the_order(self, staff):
        case = signed(staff, "excise")
        report(staff, case, taken=dt.timedelta(days=-1), procedure="biopsy")
        assert due(case) is not None


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_written(stores):
    staff = staff_clinic()
    case = answered_submission(staff, "malignant")
    ReviewFactory(submission=case, management="excise", diagnosis="melanoma", signed_by=staff.dermatologist)
    results = run_in_threads(
        8, lambda _: acknowledge_order(actor=staff.clinician, submission=case, done="excised")
    )
    assert Acknowledgement.objects.count() == 1
    codes = [getattr(result, "code", "") for result in results]
    assert sorted(codes) == ["", *["already_acknowledged"] * 7]
    assert not list(find_differences())
