"""Orders, withdrawal, taking over and deadlines, as people meet them on pages."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from classifier.cases.withdrawal import cancel_submission, weigh_withdrawal
from classifier.domain.errors import ServiceError
from classifier.models import Acknowledgement, Submission
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    OutcomeFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
)
from tests.support.shown import read_shown

pytestmark = pytest.mark.django_db


def text_of(response):
    return response.text.replace("&#x27;", "'")


def ordered(staff, management="urgent_referral", days=0):
    case = answered_submission(staff, "malignant")
    ReviewFactory(
        submission=case,
        diagnosis="melanoma",
        management=management,
        signed_by=staff.dermatologist,
        signed_at=timezone.now() - dt.timedelta(days=days),
    )
    case.refresh_from_db()
    return case


class TestOrder:
    def test_said_done_and_taken_back_on_the_case_page(self, staff, log_in):
        client, case = log_in(staff.clinician), ordered(staff)
        page = text_of(client.get(reverse("submission-detail", args=[case.pk])))
        assert "Ordered: Urgent cancer referral" in page
        assert "Mark as done" in page
        address = reverse("submission-order", args=[case.pk])
        day = timezone.localdate()
        sent = {"done": "referred", "done_on": day.isoformat(), "note": "To the skin clinic."}
        page = text_of(client.post(address, sent, follow=True))
        assert "Referred</span> on " in page
        assert f"by {staff.clinician}" in page
        assert "To the skin clinic." in page
        assert "Mark as done" not in page
        row = Acknowledgement.objects.get()
        page = text_of(client.post(reverse("acknowledgement-take-back", args=[row.pk]), follow=True))
        assert "Taken back. The order is open again." in page
        assert "Mark as done" in page

    def test_overdue_is_said(self, staff, log_in):
        page = text_of(
            log_in(staff.clinician).get(reverse("submission-order", args=[ordered(staff, days=3).pk]))
        )
        assert "Overdue" in page

    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            ({}, "Choose what was done."),
            ({"done": "other"}, "Say in the note what was done."),
            ({"done": "seen", "done_on": "2999-01-01"}, "This day lies in the future."),
            ({"done": "seen", "done_on": "2020-01-01"}, "before the order was signed"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(self, staff, log_in, sent, words):
        case = ordered(staff)
        answer = log_in(staff.clinician).post(reverse("submission-order", args=[case.pk]), sent)
        assert answer.status_code == 400
        assert words in text_of(answer)

    def test_a_refused_acknowledgement_opens_no_news(self, staff, log_in):
        """The page of the order doesn't say what the case stands for by now."""
        case, client = ordered(staff), log_in(staff.clinician)
        client.get(reverse("submission-detail", args=[case.pk]))
        OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_invasive")
        assert client.post(reverse("submission-order", args=[case.pk]), {}).status_code == 400
        assert client.get(reverse("submission-order", args=[case.pk])).status_code == 200
        case.refresh_from_db()
        assert case.is_unread
        viewed = AuditEvent.objects.filter(action="submission.viewed", object_id=str(case.pk))
        assert viewed.count() == 3
        client.get(reverse("submission-detail", args=[case.pk]))
        case.refresh_from_db()
        assert not case.is_unread

    def test_administrators_look_only(self, staff, log_in):
        case = ordered(staff)
        client = log_in(staff.administrator)
        page = text_of(client.get(reverse("submission-detail", args=[case.pk])))
        assert "Ordered: Urgent cancer referral" in page
        assert "Mark as done" not in page
        assert client.post(reverse("submission-order", args=[case.pk]), {"done": "seen"}).status_code == 403

    def test_taken_over_on_the_case_page(self, staff, log_in):
        case = SubmissionFactory(clinic=staff.clinic)
        client = log_in(staff.dermatologist)
        page = client.get(reverse("submission-detail", args=[case.pk]))
        assert "Nobody follows this case up" in text_of(page)
        page = client.post(reverse("submission-take-over", args=[case.pk]), follow=True)
        assert "You follow this case up now." in text_of(page)
        assert "Nobody follows this case up" not in text_of(page)
        assert Submission.objects.get().responsible == staff.dermatologist


def judged(staff, *outcomes, queued=False, **case):
    row = answered_submission(staff, *outcomes, **case)
    if queued:
        PredictionFactory(submission=row, state="queued")
    row.refresh_from_db()
    return row


def state_of(staff, state):
    row = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
    PredictionFactory(submission=row, state=state)
    row.refresh_from_db()
    return row


def refused(staff):
    row = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
    PredictionFactory(submission=row, refused=True)
    row.refresh_from_db()
    return row


def benign_with_histopathology(staff, diagnosis):
    row = judged(staff, "benign")
    day = timezone.localdate()
    OutcomeFactory(lesion=row.lesion, diagnosis=diagnosis, specimen_taken_on=day, reported_on=day)
    row.refresh_from_db()
    return row


FREE = [
    lambda staff: state_of(staff, "queued"),
    lambda staff: state_of(staff, "running"),
    lambda staff: state_of(staff, "failed"),
    lambda staff: state_of(staff, "rejected"),
]
WITH_REASON = [
    lambda staff: judged(staff, "benign"),
    lambda staff: judged(staff, "benign", queued=True),
    refused,
]
NEEDS_A_READER = [
    lambda staff: judged(staff, "malignant"),
    lambda staff: judged(staff, "refer"),
    lambda staff: judged(staff, "benign", "malignant", queued=True),
    lambda staff: judged(staff, "refer", queued=True),
    lambda staff: benign_with_histopathology(staff, "melanoma_in_situ"),
    lambda staff: benign_with_histopathology(staff, "inconclusive"),
]
WHY = {"withdrawal_reason": "Sent twice."}


class TestWithdraw:
    def try_both(self, staff, client, case, **reason):
        """By the service and by the page; both must say the same."""
        address = reverse("submission-cancel", args=[case.pk])
        answer = client.post(address, {"withdrawal_reason": reason["reason"]} if reason else {})
        case.refresh_from_db()
        if case.cancelled_at is None:
            with pytest.raises(ServiceError) as caught:
                cancel_submission(actor=staff.clinician, submission=case, **reason)
            return answer, caught.value.code
        return answer, ""

    @pytest.mark.parametrize("make", FREE)
    def test_free_without_a_result(self, staff, log_in, make):
        case, client = make(staff), log_in(staff.clinician)
        assert "There is no result yet." in text_of(client.get(reverse("submission-cancel", args=[case.pk])))
        answer, _ = self.try_both(staff, client, case)
        assert answer.status_code == 302
        assert (case.state, case.withdrawal_reason) == ("cancelled", "")

    @pytest.mark.parametrize("make", WITH_REASON)
    def test_with_a_result_only_with_a_reason(self, staff, log_in, make):
        case, client = make(staff), log_in(staff.clinician)
        assert "There is a result: " in text_of(client.get(reverse("submission-cancel", args=[case.pk])))
        answer, code = self.try_both(staff, client, case)
        assert (answer.status_code, code) == (400, "reason_missing")
        assert "say why the case is withdrawn" in text_of(answer)
        answer, _ = self.try_both(staff, client, case, reason="Sent twice.")
        assert answer.status_code == 302
        assert (case.state, case.withdrawal_reason) == ("cancelled", "Sent twice.")

    @pytest.mark.parametrize("make", NEEDS_A_READER)
    def test_never_what_needs_a_reader(self, staff, log_in, make):
        case, client = make(staff), log_in(staff.clinician)
        page = text_of(client.get(reverse("submission-cancel", args=[case.pk])))
        assert "A dermatologist has to read this case" in page
        assert "<form" not in page.partition("<main")[2].partition("</main>")[0]
        answer, code = self.try_both(staff, client, case, reason="Sent twice.")
        assert (answer.status_code, code) == (409, "needs_reader")
        assert "A dermatologist has to read this case" in text_of(answer)

    def test_names_a_case_that_nobody_judged_as_its_own_page_does(self, staff, log_in):
        case, client = state_of(staff, "failed"), log_in(staff.clinician)
        for name in ("submission-detail", "submission-cancel"):
            assert "<span>Failed</span>" in text_of(client.get(reverse(name, args=[case.pk]))), name

    def test_refusal_tells_a_blinded_reader_nothing(self, staff, log_in):
        staff.clinic.hide_result_until_read = True
        staff.clinic.save()
        pages = set()
        for make in (*WITH_REASON, *NEEDS_A_READER[:4]):
            case = make(staff)
            assert weigh_withdrawal(case, role="dermatologist").needs_reader
            page = log_in(staff.dermatologist).get(reverse("submission-cancel", args=[case.pk]))
            if case.state == "awaiting_review":
                pages.add(text_of(page).partition("<main")[2].partition("chip")[2].partition("<a")[0])
        assert len(pages) == 1

    def test_result_that_comes_while_the_page_is_open(self, staff, log_in, monkeypatch):
        case, client = state_of(staff, "queued"), log_in(staff.clinician)
        client.get(reverse("submission-cancel", args=[case.pk]))
        PredictionFactory(submission=case, state="succeeded", outcome="malignant")
        answer = client.post(reverse("submission-cancel", args=[case.pk]), WHY)
        assert answer.status_code == 409
        assert Submission.objects.get(pk=case.pk).cancelled_at is None

    def test_stands_apart_from_what_one_presses_often(self, staff, log_in):
        case = judged(staff, "benign")
        page = log_in(staff.clinician).get(reverse("submission-detail", args=[case.pk])).text
        link = page.index(reverse("submission-cancel", args=[case.pk]))
        for other in ("submission-report", "submission-order"):
            address = reverse(other, args=[case.pk])
            assert address not in page or page.index(address) < link
        assert page[link:].partition("</main>")[0].count("<a ") == 0
        actions = page.partition('id="case-actions"')[2].partition("</div>")[0]
        assert "submission-cancel" not in actions
        assert "ithdraw" not in actions


class TestDeadlines:
    def test_administrator_sets_them(self, staff, log_in):
        case = ordered(staff, "excise")
        client, address = log_in(staff.administrator), reverse("targets")
        page = client.get(address)
        assert page.context["form"]["excise"].value() == 28
        sent = {name: page.context["form"][name].value() for name in page.context["form"].fields}
        assert client.post(address, {**sent, "excise": "0"}).status_code == 400
        answer = client.post(address, {**sent, "excise": "7", "reading_target_days": "3"}, follow=True)
        assert "Deadlines saved." in answer.text
        staff.clinic.refresh_from_db()
        assert (staff.clinic.reading_target_days, staff.clinic.order_target_days) == (3, {"excise": 7})
        before = case.order_due_at
        case.refresh_from_db()
        assert before - case.order_due_at == dt.timedelta(days=21)

    def test_two_administrators_each_keep_what_they_changed(self, staff, log_in):
        """Both opened the page before either saved; a day that somebody else set meanwhile is not written back."""
        client, address = log_in(staff.administrator), reverse("targets")
        before = read_shown(client.get(address).text)

        def save(shown, **changes):
            typed = {name.removeprefix("initial-"): value for name, value in shown.items()}
            assert client.post(address, {**shown, **typed, **changes}).status_code == 302

        save(before, excise="7")
        save(before, biopsy="9")
        save(before, reading_target_days="3")
        save(read_shown(client.get(address).text), excise="28")
        staff.clinic.refresh_from_db()
        assert (staff.clinic.reading_target_days, staff.clinic.order_target_days) == (3, {"biopsy": 9})


class TestLists:
    @pytest.mark.parametrize("role", ["clinician", "administrator"])
    def test_filters_with_their_counts(self, staff, log_in, role):
        overdue, open_order = ordered(staff, days=3), ordered(staff)
        unread = judged(staff, "benign")
        Submission.objects.exclude(pk=unread.pk).update(is_unread=False)
        read = judged(staff, "benign")
        Submission.objects.filter(pk=read.pk).update(is_unread=False)
        client = log_in(staff.person(role))
        for query, expected in (
            ("order=open", {overdue, open_order}),
            ("order=overdue", {overdue}),
            ("unread=yes", {unread}),
            ("unread=overdue", set()),
        ):
            page = client.get(f"{reverse('submission-list')}?{query}")
            assert set(page.context["page_obj"].object_list) == expected, query
            name, _, value = query.partition("=")
            counts = {
                option["label"]: option["count"]
                for group in page.context["filter_groups"]
                for option in group["options"]
                if "count" in option
            }
            assert counts == {"Unread": 1, "Unread for too long": 0, "Order open": 2, "Order overdue": 1}
            assert page.context["form"].narrowing == [name], value
