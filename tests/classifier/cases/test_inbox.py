"""Nothing falls out of sight: what is unread or ordered stays, whatever comes after."""

import datetime as dt

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from classifier.cases.access import record_viewed
from classifier.cases.follow_up import is_unread_overdue, overdue_unread, take_over
from classifier.cases.inbox import SHOWN, build_inbox
from classifier.cases.overdue_mail import notify_overdue
from classifier.cases.targets import working_days_before
from classifier.cases.withdrawal import cancel_submission
from classifier.domain.errors import ConflictError
from classifier.models import Submission
from classifier.orders import acknowledge_order
from portal.trust.accounts.people.services import set_active
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    MembershipFactory,
    OutcomeFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
    restated_together,
    service_account,
    two_clinics,
)

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - dt.timedelta(days=400)


def inbox_of(staff, role="clinician"):
    return build_inbox(user=staff.person(role), clinic=staff.clinic, role=role)


def listed(staff, role="clinician"):
    return [row.submission.pk for row in inbox_of(staff, role).needs]


def note_of(staff, case, role="clinician"):
    return next(row.note for row in inbox_of(staff, role).needs if row.submission.pk == case.pk)


def sent_before(case, *, days):
    """Move everything of the case back in time."""
    at = timezone.now() - dt.timedelta(days=days)
    Submission.objects.filter(pk=case.pk).update(submitted_at=at, news_at=at)
    case.refresh_from_db()
    return case


def open_page(log_in, person, case):
    return log_in(person).get(reverse("submission-detail", args=[case.pk]))


@restated_together()
def signed(staff, outcome="benign", *, management="excise", diagnosis="melanoma", days=0, **case):
    row = answered_submission(staff, outcome, **case)
    ReviewFactory(
        submission=row,
        diagnosis=diagnosis,
        management=management,
        signed_by=staff.dermatologist,
        signed_at=timezone.now() - dt.timedelta(days=days),
    )
    row.refresh_from_db()
    return row


class TestStays:
    @pytest.mark.parametrize("days", [0, 61, 400])
    def test_unread_result_under_eighty_newer_ones(self, staff, log_in, days):
        case = sent_before(answered_submission(staff, "malignant"), days=days)
        with restated_together():
            for _ in range(80):
                answered_submission(staff, "benign")
        assert listed(staff)[0] == case.pk
        assert inbox_of(staff).needs_count == 81
        open_page(log_in, staff.clinician, case)
        assert case.pk not in listed(staff)

    def test_unread_benign_one_is_first_of_its_kind(self, staff):
        case = sent_before(answered_submission(staff, "benign"), days=1)
        with restated_together():
            for _ in range(80):
                answered_submission(staff, "benign")
        assert listed(staff)[0] == case.pk

    def test_opened_by_a_colleague_it_stays(self, staff, log_in):
        case = answered_submission(staff, "malignant")
        open_page(log_in, staff.dermatologist, case)
        assert listed(staff) == [case.pk]

    def test_signed_order_stays_after_it_was_opened(self, staff, log_in):
        case = signed(staff)
        open_page(log_in, staff.clinician, case)
        assert listed(staff) == [case.pk]
        acknowledge_order(actor=staff.dermatologist, submission=case, done="excised")
        assert listed(staff) == []

    def test_histopathology_is_news(self, staff, log_in):
        case = answered_submission(staff, "benign")
        open_page(log_in, staff.clinician, case)
        OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_invasive")
        assert note_of(staff, case) == "Histopathology came back"

    def test_an_open_order_hides_no_finding(self, staff, log_in):
        case = signed(staff)
        open_page(log_in, staff.clinician, case)
        assert note_of(staff, case).startswith("Signed: excise, by")
        OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_invasive")
        assert note_of(staff, case).startswith("Histopathology came back. Signed: excise, by")
        case.refresh_from_db()
        open_page(log_in, staff.clinician, case)
        assert note_of(staff, case).startswith("Signed: excise, by")

    def test_withdrawn_by_a_colleague_is_news_too(self, staff):
        case = answered_submission(staff, "benign")
        cancel_submission(actor=staff.dermatologist, submission=case, reason="Sent twice.")
        assert note_of(staff, case) == "Withdrawn"
        other = answered_submission(staff, "benign")
        cancel_submission(actor=staff.clinician, submission=other, reason="Sent twice.")
        assert other.pk not in listed(staff)


class TestOrder:
    def test_urgent_referral_never_stands_under_a_preliminary_benign(self, staff):
        with restated_together():
            old = [answered_submission(staff, "benign") for _ in range(SHOWN)]
        for case in old:
            sent_before(case, days=1)
        malignant = answered_submission(staff, "malignant")
        urgent = signed(staff, "benign", management="urgent_referral", diagnosis="indeterminate")
        assert listed(staff)[:3] == [urgent.pk, malignant.pk, old[0].pk]

    def test_overdue_first(self, staff):
        urgent = signed(staff, management="urgent_referral")
        overdue = signed(staff, management="see_in_person", diagnosis="naevus", days=15)
        assert listed(staff) == [overdue.pk, urgent.pk]
        assert "overdue since" in note_of(staff, overdue)
        late = sent_before(answered_submission(staff, "benign"), days=10)
        fresh = sent_before(answered_submission(staff, "refer"), days=0)
        assert listed(staff) == [overdue.pk, urgent.pk, late.pk, fresh.pk]
        assert "not opened since" in note_of(staff, late)

    def test_blinded_reader_learns_nothing_from_the_place_or_the_words(self, staff):
        staff.clinic.hide_result_until_read = True
        staff.clinic.save()
        cases = []
        with restated_together():
            for outcome in ("benign", "malignant", "refer", "benign", "malignant"):
                case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.dermatologist)
                PredictionFactory(submission=case, state="succeeded", outcome=outcome)
                cases.append(case)
        refused = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.dermatologist)
        PredictionFactory(submission=refused, refused=True)
        cases.append(refused)
        inbox = inbox_of(staff, "dermatologist")
        assert [row.submission for row in inbox.needs] == cases
        assert {row.note for row in inbox.needs} == {"Waits for review"}


class TestNobody:
    """Results whose person left, or who is a program."""

    def leave(self, staff):
        membership = staff.clinic.memberships.get(user=staff.clinician)
        set_active(actor=staff.administrator, membership=membership, is_active=False)

    def test_what_somebody_who_left_awaited_is_everybodys(self, staff):
        case = answered_submission(staff, "malignant")
        assert listed(staff, "dermatologist") == [case.pk]
        self.leave(staff)
        colleague = MembershipFactory(clinic=staff.clinic, role="clinician").user
        inbox = build_inbox(user=colleague, clinic=staff.clinic, role="clinician")
        assert [row.note for row in inbox.needs] == ["Nobody follows this up. Result back"]
        assert inbox.counts.unfollowed == 1
        take_over(actor=colleague, submission=case)
        case.refresh_from_db()
        assert case.responsible == colleague
        inbox = build_inbox(user=colleague, clinic=staff.clinic, role="clinician")
        assert [row.note for row in inbox.needs] == ["Result back"]
        event = AuditEvent.objects.get(action="submission.taken_over")
        assert event.details == {"from": str(staff.clinician.pk)}

    def test_record_system_reads_nothing(self, staff):
        program = service_account(staff.clinic).user
        case = SubmissionFactory(clinic=staff.clinic, submitted_by=program)
        PredictionFactory(submission=case, state="succeeded", outcome="benign")
        case.refresh_from_db()
        record_viewed(actor=program, obj=case, clinic_id=staff.clinic.pk)
        assert listed(staff) == [case.pk]
        record_viewed(actor=staff.administrator, obj=case, clinic_id=staff.clinic.pk)
        assert listed(staff) == [case.pk]
        record_viewed(actor=staff.clinician, obj=case, clinic_id=staff.clinic.pk)
        assert listed(staff) == []

    def test_a_colleagues_case_is_not_taken_from_them(self, staff):
        case = answered_submission(staff, "malignant")
        with pytest.raises(ConflictError) as caught:
            take_over(actor=staff.dermatologist, submission=case)
        assert caught.value.code == "followed_up"
        assert take_over(actor=staff.clinician, submission=case).responsible is None

    def test_a_record_system_takes_none_over(self, staff, log_in):
        case = answered_submission(staff, "malignant")
        self.leave(staff)
        program = service_account(staff.clinic).user
        with pytest.raises(PermissionDenied, match="A record system can't follow a case up"):
            take_over(actor=program, submission=case)
        client = log_in(staff.integration)
        address = reverse("submission-take-over", args=[case.pk])
        assert client.post(address).status_code == 403
        assert address not in client.get(reverse("submission-detail", args=[case.pk])).text
        case.refresh_from_db()
        assert case.responsible is None


class TestAdministrators:
    def test_overdue_of_the_clinic(self, staff, log_in):
        order = signed(staff, management="urgent_referral", days=3)
        result = sent_before(answered_submission(staff, "malignant"), days=10)
        signed(staff, management="follow_up")
        inbox = inbox_of(staff, "administrator")
        assert {row.submission.pk for row in inbox.needs} == {order.pk, result.pk}
        assert (inbox.counts.overdue_orders, inbox.counts.overdue_unread) == (1, 1)
        assert str(staff.clinician) in inbox.needs[0].note
        page = log_in(staff.administrator).get("/").text
        assert "1 order that nobody has acknowledged" in page
        assert "1 result that nobody has opened" in page

    def test_nothing_is_overdue(self, staff, log_in):
        answered_submission(staff, "malignant")
        signed(staff)
        assert inbox_of(staff, "administrator").needs == []
        assert "Overdue in" not in log_in(staff.administrator).get("/").text

    def test_mail(self, staff, settings):
        settings.DERMAPORT_SITE_URL = "https://portal.example.org"
        case = signed(staff, management="urgent_referral", days=3)
        both = two_clinics()
        notify_overdue()
        [message] = mail.outbox
        assert message.to == [staff.administrator.email]
        assert "1 order that nobody has acknowledged" in message.body
        assert "https://portal.example.org/" in message.body
        patient = case.lesion.patient
        for word in (patient.mrn, patient.public_id, str(case.pk), "elanoma"):
            assert word not in message.subject + message.body
        assert both.own.administrator.email not in message.to
        mail.outbox.clear()
        acknowledge_order(actor=staff.clinician, submission=case, done="referred")
        Submission.objects.update(is_unread=False)
        notify_overdue()
        assert mail.outbox == []


class TestDays:
    @pytest.mark.parametrize(
        ("now", "days", "expected"),
        [
            ("2026-03-11T10:00", 2, "2026-03-09T10:00"),
            ("2026-03-09T10:00", 2, "2026-03-05T10:00"),
            ("2026-03-08T10:00", 1, "2026-03-06T00:00"),
            ("2026-03-13T10:00", 5, "2026-03-06T10:00"),
        ],
    )
    def test_weekends_dont_count(self, now, days, expected):
        at = timezone.make_aware(dt.datetime.fromisoformat(now))
        assert working_days_before(at, days) == timezone.make_aware(dt.datetime.fromisoformat(expected))

    def test_query_and_row_agree(self, staff):
        now = timezone.now()
        cases = [sent_before(answered_submission(staff), days=days) for days in range(8)]
        late = set(Submission.objects.filter(overdue_unread(staff.clinic, now)))
        assert {case for case in cases if is_unread_overdue(case, now)} == late
        assert 0 < len(late) < len(cases)


def test_number_of_queries_does_not_grow(staff, django_assert_max_num_queries):
    for rows in (1, 20):
        with restated_together():
            for _ in range(rows):
                signed(staff)
                answered_submission(staff, "malignant")
                failed = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
                PredictionFactory(submission=failed, state="failed")
        with django_assert_max_num_queries(24):
            inbox_of(staff, "dermatologist")
