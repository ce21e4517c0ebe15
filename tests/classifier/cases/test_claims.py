"""Two readers never read one case without knowing."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from classifier.cases.reading_claims import CLAIM, claim_case, find_claim, release_claim
from classifier.cases.withdrawal import cancel_submission, retry_submission
from classifier.consents import record_consent
from classifier.domain.errors import ConflictError
from classifier.models import ReadingClaim, Review
from classifier.privacy.erasure import erase_patient
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    MembershipFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
    staff_clinic,
)
from tests.support.reading import seen
from tests.support.threads import run_in_threads

pytestmark = pytest.mark.django_db
DECISION = {"diagnosis": "melanoma", "management": "excise", "comment": ""}


@pytest.fixture
def staff():
    return staff_clinic()


@pytest.fixture
def case(staff):
    return answered_submission(staff, "malignant")


@pytest.fixture
def okafor(staff):
    return MembershipFactory(clinic=staff.clinic, role="dermatologist", user__full_name="Ines Okafor").user


@pytest.fixture
def open_as():
    def log_in(person):
        client = Client()
        client.force_login(person)
        return client

    return log_in


def address(case, page="review"):
    return f"/submissions/{case.pk}/{page}/"


class TestService:
    def test_one_holds_it_for_ten_minutes(self, staff, okafor, case, time_machine):
        start = timezone.now()
        time_machine.move_to(start, tick=False)
        claim_case(actor=okafor, submission=case)
        for minutes in (0, 9):
            time_machine.move_to(start + dt.timedelta(minutes=minutes), tick=False)
            with pytest.raises(ConflictError) as refused:
                claim_case(actor=staff.dermatologist, submission=case)
            assert refused.value.code == "claimed_by_other"
            assert "Ines Okafor is reading this case, until" in refused.value.message
        time_machine.move_to(start + CLAIM, tick=False)
        assert claim_case(actor=staff.dermatologist, submission=case).reader == staff.dermatologist
        assert not AuditEvent.objects.filter(action="submission.claim_taken_over").exists()

    def test_taking_over_leaves_an_event(self, staff, okafor, case):
        claim_case(actor=okafor, submission=case)
        claim_case(actor=staff.dermatologist, submission=case, takeover=True)
        assert find_claim(case).reader == staff.dermatologist
        event = AuditEvent.objects.get(action="submission.claim_taken_over")
        assert (event.actor, event.object_id) == (staff.dermatologist, str(case.pk))
        assert event.details == {"from": str(okafor.pk)}

    def test_only_the_own_claim_is_released(self, staff, okafor, case):
        claim_case(actor=okafor, submission=case)
        assert release_claim(actor=staff.dermatologist, submission=case) is False
        assert find_claim(case).reader == okafor
        assert release_claim(actor=okafor, submission=case) is True
        assert find_claim(case) is None

    def test_a_late_release_ends_no_newer_claim(self, okafor, case):
        """A page was loaded anew: its release arrives after its next claim."""
        former = claim_case(actor=okafor, submission=case).claimed_at
        claim_case(actor=okafor, submission=case)
        assert release_claim(actor=okafor, submission=case, claimed_at=former) is False
        assert find_claim(case).reader == okafor

    def test_a_withdrawn_case_is_read_by_nobody(self, staff, okafor):
        case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
        PredictionFactory(submission=case, state="queued")
        claim_case(actor=okafor, submission=case)
        cancel_submission(actor=staff.clinician, submission=case)
        assert find_claim(case) is None

    def test_only_readers_claim(self, staff, case):
        from django.core.exceptions import PermissionDenied

        with pytest.raises(PermissionDenied):
            claim_case(actor=staff.clinician, submission=case)


class TestTwoSessions:
    def test_the_second_is_told_and_may_take_over(self, staff, okafor, case, open_as):
        first, second = open_as(okafor), open_as(staff.dermatologist)
        assert "data-review-form" in first.get(address(case)).content.decode()

        told = second.get(address(case)).content.decode()
        assert "Ines Okafor is reading this case" in told
        assert "Take over" in told
        assert "data-review-form" not in told
        assert case.lesion.patient.mrn not in told

        taken = second.post(address(case, "claim"), {"step": "takeover"}, follow=True)
        assert "data-review-form" in taken.content.decode()
        assert staff.dermatologist.get_full_name() in first.get(address(case, "claim")).content.decode()
        assert "data-review-form" not in first.get(address(case)).content.decode()

    def test_who_reads_stands_on_list_case_and_reading_page(self, staff, okafor, case, open_as):
        reader, colleague, clinician = open_as(okafor), open_as(staff.dermatologist), open_as(staff.clinician)
        reader.get(address(case))
        words = "Ines Okafor is reading this case, until"
        assert words in colleague.get("/worklist/").content.decode()
        assert words in colleague.get(f"/submissions/{case.pk}/").content.decode()
        assert words in clinician.get(f"/submissions/{case.pk}/").content.decode()
        assert words not in reader.get("/worklist/").content.decode()
        assert "You are reading this case, until" in reader.get(address(case)).content.decode()

    def test_release_and_leaving(self, staff, okafor, case, open_as):
        reader = open_as(okafor)
        claimed_at = reader.get(address(case)).context["claim"].claimed_at
        left = {"step": "release", "quiet": "yes", "claimed_at": claimed_at.isoformat()}
        assert reader.post(address(case, "claim"), left).status_code == 204
        assert find_claim(case) is None
        reader.get(address(case))
        assert reader.post(address(case, "claim"), left).status_code == 204
        assert find_claim(case).reader == okafor
        for wrong in ("", "yesterday", "2026-13-01T00:00:00Z", "2026-03-01T00:00:00"):
            reader.post(address(case, "claim"), {**left, "claimed_at": wrong})
        assert find_claim(case).reader == okafor
        assert reader.post(address(case, "claim"), {"step": "release"}).url == "/worklist/"
        assert find_claim(case) is None

    def test_the_open_page_renews_its_claim(self, okafor, case, open_as, time_machine):
        reader, start = open_as(okafor), timezone.now()
        time_machine.move_to(start, tick=False)
        reader.get(address(case))
        for minutes in (8, 16, 24):
            time_machine.move_to(start + dt.timedelta(minutes=minutes), tick=False)
            assert "You are reading" in reader.get(address(case, "claim")).content.decode()
            assert find_claim(case).reader == okafor
        time_machine.move_to(start + dt.timedelta(minutes=40), tick=False)
        assert find_claim(case) is None

    def test_whoever_signs_first_counts_and_the_other_page_tells(self, staff, okafor, case, open_as):
        first, second = open_as(okafor), open_as(staff.dermatologist)
        first.get(address(case))
        second.post(address(case, "claim"), {"step": "takeover"})
        second.get(address(case))

        assert first.post(address(case), DECISION | seen(case)).status_code == 302
        assert not ReadingClaim.objects.exists()
        told = second.get(address(case, "claim")).content.decode()
        assert "Ines Okafor signed this case at" in told
        assert "hx-trigger" not in told
        assert second.post(address(case), DECISION | seen(case)).status_code == 409

    def test_an_open_page_tells_that_the_case_was_withdrawn(self, staff, okafor, case, open_as):
        case = answered_submission(staff, "benign")
        reader = open_as(okafor)
        reader.get(address(case))
        cancel_submission(actor=staff.clinician, submission=case, reason="Sent twice.")
        assert not ReadingClaim.objects.exists()
        told = reader.get(address(case, "claim")).content.decode()
        assert f"{staff.clinician.get_full_name()} withdrew this case at" in told
        assert "hx-trigger" not in told
        reader.post(address(case, "claim"), {"step": "takeover"})
        assert not ReadingClaim.objects.exists(), "nobody claims what needs no reader"

    def test_an_open_page_tells_that_images_went_back_to_the_model(self, staff, okafor, open_as):
        case = answered_submission(staff, "benign")
        PredictionFactory(submission=case, state="failed")
        reader = open_as(okafor)
        assert "sent to the model again" not in reader.get(address(case)).content.decode()
        assert "sent to the model again" not in reader.get(address(case, "claim")).content.decode()
        retry_submission(actor=staff.clinician, submission=case)
        told = reader.get(address(case, "claim")).content.decode()
        assert "were sent to the model again" in told
        assert "hx-trigger" in told
        assert "Release" in told

    def test_an_erased_case_is_gone_for_who_reads_it(self, staff, okafor, case, open_as):
        """The page says so by itself: a fragment that isn't found is told in a notice (connection.js)."""
        reader = open_as(okafor)
        reader.get(address(case))
        erase_patient(actor=staff.administrator, patient=case.lesion.patient, reason="request")
        assert reader.get(address(case, "claim"), headers={"HX-Request": "true"}).status_code == 404
        assert reader.post(address(case), DECISION | seen(case)).status_code == 404
        assert not ReadingClaim.objects.exists()

    def test_consent_withdrawn_meanwhile_keeps_nobody_from_reading(self, staff, okafor, case, open_as):
        """A person may read what the model judged before, so there is nothing to tell."""
        reader = open_as(okafor)
        reader.get(address(case))
        record_consent(
            actor=staff.clinician, patient=case.lesion.patient, purpose="inference", is_given=False
        )
        assert "You are reading" in reader.get(address(case, "claim")).content.decode()
        assert reader.post(address(case), DECISION | seen(case)).status_code == 302

    def test_amending_is_claimed_too(self, staff, okafor, case, open_as):
        ReviewFactory(submission=case, signed_by=okafor)
        first, second = open_as(okafor), open_as(staff.dermatologist)
        assert "data-review-form" in first.get(address(case, "amend")).content.decode()
        assert "Ines Okafor is reading this case" in second.get(address(case, "amend")).content.decode()
        back = second.post(address(case, "claim"), {"step": "takeover", "back": "submission-amend"})
        assert back.url == address(case, "amend")
        shown = first.get(f"{address(case, 'claim')}?review={case.reviews.get().pk}").content.decode()
        assert f"{staff.dermatologist.get_full_name()} is reading this case" in shown

    @pytest.mark.parametrize("place", ["review", "amend"])
    def test_who_was_taken_over_still_turns_to_the_other_pictures(self, place, staff, okafor, case, open_as):
        if place == "amend":
            ReviewFactory(submission=case, signed_by=okafor)
        first, second = open_as(okafor), open_as(staff.dermatologist)
        first.get(address(case, place))
        second.post(address(case, "claim"), {"step": "takeover"})
        picture = case.images.get()

        turned = first.get(f"{address(case, place)}?image={picture.pk}", headers={"HX-Request": "true"})

        assert f'data-picture="{picture.pk}"' in turned.content.decode()
        assert find_claim(case).reader == staff.dermatologist

    def test_turning_to_another_picture_is_no_new_opening(self, okafor, case, open_as):
        client = open_as(okafor)
        client.get(address(case))
        opened = find_claim(case)
        client.get(f"{address(case)}?image={case.images.get().pk}", headers={"HX-Request": "true"})
        assert find_claim(case).until > opened.until
        client.post(
            address(case, "claim"),
            {"step": "release", "quiet": "yes", "claimed_at": opened.claimed_at.isoformat()},
        )
        assert find_claim(case) is None, "leaving the page releases the claim that it names"

    def test_a_signed_case_is_looked_at_without_a_claim(self, okafor, case, open_as):
        ReviewFactory(submission=case)
        open_as(okafor).get(address(case))
        assert not ReadingClaim.objects.exists()

    def test_where_one_is_sent_back_is_no_address(self, staff, case, open_as):
        sent = {"step": "takeover", "back": "https://elsewhere.example/"}
        answer = open_as(staff.dermatologist).post(address(case, "claim"), sent)
        assert answer.url == address(case)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(240)
@pytest.mark.parametrize("takeover", [False, True])
def test_of_many_in_the_same_moment_one_has_it(takeover):
    """Each is told the truth: who was not refused holds it, or was taken over by one who does."""
    staff = staff_clinic()
    case = answered_submission(staff)
    people = [MembershipFactory(clinic=staff.clinic, role="dermatologist").user for _ in range(12)]
    if takeover:
        claim_case(actor=staff.dermatologist, submission=case)

    results = run_in_threads(
        12, lambda n: claim_case(actor=people[n], submission=case, takeover=takeover).reader_id
    )

    refused = [one for one in results if isinstance(one, Exception)]
    assert {getattr(one, "code", one) for one in refused} <= {"claimed_by_other"}
    holder = ReadingClaim.objects.get(submission=case).reader_id
    won = [one for one in results if not isinstance(one, Exception)]
    assert holder in won
    events = AuditEvent.objects.filter(action="submission.claim_taken_over")
    if takeover:
        assert events.count() == len(won)
    else:
        assert won == [holder]
        assert not events.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(240)
def test_opening_and_signing_at_once_neither_lock_nor_lose():
    staff = staff_clinic()
    case = answered_submission(staff)
    people = [MembershipFactory(clinic=staff.clinic, role="dermatologist").user for _ in range(10)]
    clients = [Client() for _ in people]
    for client, person in zip(clients, people, strict=True):
        client.force_login(person)
    sent = DECISION | seen(case)

    def act(number):
        if number % 2:
            return clients[number].post(address(case), sent).status_code
        return clients[number].get(address(case)).status_code

    results = run_in_threads(10, act)
    assert set(results) <= {200, 302, 409}
    assert results.count(302) == 1
    assert Review.objects.filter(submission=case).count() == 1
