import pytest
from django.urls import reverse
from django.utils import timezone

from classifier.cases.histopathology import Finding, record_outcome
from classifier.cases.inbox import build_inbox, name_day
from classifier.cases.withdrawal import cancel_submission
from classifier.orders import acknowledge_order
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
    restated_together,
)

pytestmark = pytest.mark.django_db


def inbox_of(staff, role="clinician"):
    return build_inbox(user=staff.person(role), clinic=staff.clinic, role=role)


def notes(inbox):
    return {row.submission.pk: row.note for row in inbox.needs}


def day_of(case):
    case.refresh_from_db()
    return name_day(case.order_due_at)


def unanswered(staff, state, **values):
    values = {"submitted_by": staff.clinician, **values}
    case = SubmissionFactory(clinic=staff.clinic, **values)
    PredictionFactory(submission=case, state=state)
    return case


def test_result_needs_you_until_you_opened_it(staff, log_in):
    case = answered_submission(staff, "benign")
    assert notes(inbox_of(staff)) == {case.pk: "Result back"}
    log_in(staff.clinician).get(reverse("submission-detail", args=[case.pk]))
    inbox = inbox_of(staff)
    assert inbox.needs == []
    assert [row.submission for row in inbox.recent] == [case]


def test_malignant_results_stand_before_newer_ones(staff):
    malignant = answered_submission(staff, "malignant")
    with restated_together():
        benign = [answered_submission(staff, "benign") for _ in range(10)]
    refer = answered_submission(staff, "refer")
    inbox = inbox_of(staff)
    found = [row.submission for row in inbox.needs]
    assert found == [malignant, refer, *benign[:8]], "the oldest of equals first: nobody is starved"
    assert (inbox.needs_more, inbox.needs_count) == (2, 12)


def test_what_finds_no_room_is_one_click_away(staff, log_in):
    with restated_together():
        cases = [answered_submission(staff, "benign") for _ in range(11)]
    client = log_in(staff.clinician)
    page = client.get(reverse("home")).text
    assert "1 more:" in page
    address = f"{reverse('submission-list')}?scope=followed&unread=yes&sort=risk"
    assert f'<a href="{address.replace("&", "&amp;")}">11 unread</a>' in page
    listed = client.get(address).context["page_obj"].object_list
    assert {case.pk for case in listed} == {case.pk for case in cases}


def test_signature_is_news_again(staff, log_in):
    case = answered_submission(staff, "benign")
    log_in(staff.clinician).get(reverse("submission-detail", args=[case.pk]))
    ReviewFactory(submission=case, management="excise")
    assert notes(inbox_of(staff)) == {case.pk: f"Signed: excise, by {day_of(case)}"}


def test_colleagues_results_are_their_news(staff):
    answered_submission(staff, "benign")
    assert inbox_of(staff, "dermatologist").needs[0].note == "Waits for review"


def test_asked_for_image_stays_until_it_is_there(staff, log_in):
    case = answered_submission(staff, "refer")
    ReviewFactory(submission=case, management="new_image")
    log_in(staff.clinician).get(reverse("submission-detail", args=[case.pk]))
    assert notes(inbox_of(staff)) == {case.pk: f"A new image is asked for, by {day_of(case)}"}
    acknowledge_order(actor=staff.clinician, submission=case, done="patient_informed")
    assert case.pk not in notes(inbox_of(staff))


def test_case_without_a_result_needs_everyone_who_submits(staff):
    case = unanswered(staff, "failed", submitted_by=staff.dermatologist)
    assert notes(inbox_of(staff)) == {case.pk: "No result: try again"}
    assert notes(inbox_of(staff, "administrator")) == {}
    rejected = unanswered(staff, "rejected")
    assert notes(inbox_of(staff))[rejected.pk] == "Take a new image"


def test_urgent_reviews_stand_first(staff):
    routine = answered_submission(staff, "benign")
    urgent = answered_submission(staff, "benign", priority="urgent")
    inbox = inbox_of(staff, "dermatologist")
    assert [row.submission for row in inbox.needs] == [urgent, routine]
    assert inbox.counts.reviews == 2


def test_case_stands_in_one_column(staff):
    answered_submission(staff, "benign")
    unanswered(staff, "queued")
    unanswered(staff, "failed")
    inbox = inbox_of(staff)
    shown = [row.submission.pk for column in (inbox.needs, inbox.in_work, inbox.recent) for row in column]
    assert len(shown) == len(set(shown)) == 3


def test_cancelled_case_needs_nobody(staff):
    case = unanswered(staff, "failed")
    cancel_submission(actor=staff.clinician, submission=case)
    assert inbox_of(staff).needs == []


def test_other_clinics_cases_stay_out(side, log_in):
    case = answered_submission(side.other, "malignant")
    page = log_in(side.own.clinician).get("/").text
    assert str(case.pk) not in page
    assert "Submit your first lesion" in page


class TestPolling:
    def test_asks_only_while_something_is_in_work(self, staff, log_in):
        client = log_in(staff.clinician)
        assert "hx-trigger" not in client.get("/").text
        unanswered(staff, "queued")
        assert 'hx-trigger="every 3s"' in client.get("/").text

    def test_says_nothing_and_records_nothing_while_nothing_changed(self, staff, log_in):
        client = log_in(staff.clinician)
        unanswered(staff, "queued")
        seen = client.get("/").context["seen"]
        before = AuditEvent.objects.count()
        assert client.get(f"{reverse('home-columns')}?seen={seen}").status_code == 204
        assert AuditEvent.objects.count() == before
        answered_submission(staff, "benign")
        assert "Result back" in client.get(f"{reverse('home-columns')}?seen={seen}").text
        assert AuditEvent.objects.count() == before + 1

    def test_tells_what_a_pathologist_found_of_a_case_that_nobody_signed(self, staff, log_in):
        client = log_in(staff.administrator)
        unanswered(staff, "queued")
        case = answered_submission(staff, "benign")
        seen, today = client.get("/").context["seen"], timezone.localdate()

        record_outcome(
            actor=staff.clinician,
            lesion=case.lesion,
            finding=Finding(
                diagnosis="melanoma_invasive",
                procedure="excision",
                specimen_taken_on=today,
                reported_on=today,
            ),
        )

        assert "Invasive melanoma" in client.get(f"{reverse('home-columns')}?seen={seen}").text


def test_operator_is_shown_the_way_to_the_status(log_in, django_user_model):
    operator = django_user_model.objects.create_user("kim.operator@example.org", is_staff=True)
    page = log_in(operator).get(reverse("home")).text
    assert f'href="{reverse("status")}">Open the status page</a>' in page
    assert "Ask the administrator" not in page
