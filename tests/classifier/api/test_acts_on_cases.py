"""Acknowledge and take back, withdraw with a reason, claim and release."""

from __future__ import annotations

import pytest

from classifier.models import Acknowledgement, ReadingClaim, Submission
from tests.classifier.api.conftest import codes
from tests.factories import PredictionFactory, ReviewFactory, SubmissionFactory, answered_submission

ROOT = "/api/v1/submissions/"


@pytest.fixture
def client(api, side):
    return api(side.own.clinician)


@pytest.fixture
def ordered(side):
    case = answered_submission(side.own, "malignant")
    ReviewFactory(
        submission=case, diagnosis="melanoma", management="excise", signed_by=side.own.dermatologist
    )
    return case


def order_of(client, case):
    return client.get(f"{ROOT}{case.pk}/").json()["order"]


def test_an_order_is_open_until_it_is_acknowledged(client, ordered, side):
    before = order_of(client, ordered)
    assert (before["management"], before["is_overdue"], before["acknowledgement"]) == ("excise", False, None)
    assert before["due_at"]
    said = client.post(f"{ROOT}{ordered.pk}/acknowledgements/", {"done": "referred", "note": "To the clinic"})
    assert said.status_code == 200, said.content
    order = said.json()["order"]
    assert order["due_at"] is None
    done = order["acknowledgement"]
    assert (done["done"], done["note"]) == ("referred", "To the clinic")
    assert done["acknowledged_by"]["id"] == str(side.own.clinician.pk)
    assert client.get(ROOT, {"order": "open"}).json()["results"] == []

    taken_back = client.delete(f"{ROOT}{ordered.pk}/acknowledgements/{done['id']}/")
    assert taken_back.status_code == 200
    assert taken_back.json()["order"] == before
    again = client.delete(f"{ROOT}{ordered.pk}/acknowledgements/{done['id']}/")
    assert (again.status_code, again.json()["code"]) == (409, "already_taken_back")
    assert Acknowledgement.objects.get().taken_back_by == side.own.clinician


def test_what_can_not_be_acknowledged_is_told(client, side, ordered):
    url = f"{ROOT}{ordered.pk}/acknowledgements/"
    assert codes(client.post(url, {})) == [("required", "done")]
    assert codes(client.post(url, {"done": "other"})) == [("note_missing", "note")]
    assert codes(client.post(url, {"done": "seen", "done_on": "2999-01-01"})) == [
        ("date_in_future", "done_on")
    ]
    plain = answered_submission(side.own)
    answer = client.post(f"{ROOT}{plain.pk}/acknowledgements/", {"done": "seen"})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_open_order")
    assert client.post(url, {"done": "seen"}).status_code == 200
    twice = client.post(url, {"done": "seen"})
    assert (twice.status_code, twice.json()["code"]) == (409, "already_acknowledged")


def test_sent_twice_with_its_key_it_is_acknowledged_once(client, ordered):
    url = f"{ROOT}{ordered.pk}/acknowledgements/"
    first, second = (client.post(url, {"done": "seen"}, HTTP_IDEMPOTENCY_KEY="ack-1") for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert second["Idempotency-Replayed"] == "true"
    assert Acknowledgement.objects.count() == 1


def test_who_read_it_before_somebody_else_acknowledged_is_told(client, ordered):
    tag = client.get(f"{ROOT}{ordered.pk}/")["ETag"]
    url = f"{ROOT}{ordered.pk}/acknowledgements/"
    assert client.post(url, {"done": "seen"}, HTTP_IF_MATCH=tag).status_code == 200
    done = Acknowledgement.objects.get()
    assert client.delete(f"{url}{done.pk}/", HTTP_IF_MATCH=tag).status_code == 412
    assert Acknowledgement.objects.in_force().exists()


def test_the_acknowledgement_of_another_case_is_not_found(client, ordered, side):
    client.post(f"{ROOT}{ordered.pk}/acknowledgements/", {"done": "seen"})
    other = answered_submission(side.own)
    url = f"{ROOT}{other.pk}/acknowledgements/{Acknowledgement.objects.get().pk}/"
    assert client.delete(url).status_code == 404


def test_a_case_with_a_result_is_withdrawn_with_a_reason_alone(client, side):
    case = answered_submission(side.own)
    url = f"{ROOT}{case.pk}/cancel/"
    assert codes(client.post(url)) == [("reason_missing", "reason")]
    withdrawn = client.post(url, {"reason": "Sent for another lesion."})
    assert withdrawn.status_code == 200, withdrawn.content
    told = withdrawn.json()
    assert (told["state"], told["standing"]["value"]) == ("cancelled", "withdrawn")
    assert told["withdrawal_reason"] == "Sent for another lesion."


def test_a_case_without_a_result_is_withdrawn_freely(client, side):
    case = SubmissionFactory(clinic=side.own.clinic, submitted_by=side.own.clinician)
    PredictionFactory(submission=case)
    assert client.post(f"{ROOT}{case.pk}/cancel/").status_code == 200


@pytest.mark.parametrize("outcome", ["malignant", "refer"])
def test_what_needs_a_reader_is_not_withdrawn(client, side, outcome):
    case = answered_submission(side.own, outcome)
    refused = client.post(f"{ROOT}{case.pk}/cancel/", {"reason": "A slip."})
    assert (refused.status_code, refused.json()["code"]) == (409, "needs_reader")
    assert Submission.objects.get().cancelled_at is None


def test_two_readers_know_of_each_other(api, side, client):
    case = answered_submission(side.own)
    reader = api(side.own.dermatologist)
    claimed = reader.post(f"{ROOT}{case.pk}/claim/")
    assert claimed.status_code == 200, claimed.content
    shown = client.get(f"{ROOT}{case.pk}/").json()["reading_claim"]
    assert shown == claimed.json()
    assert shown["reader"]["id"] == str(side.own.dermatologist.pk)
    ReadingClaim.objects.update(reader=side.own.administrator)
    refused = reader.post(f"{ROOT}{case.pk}/claim/")
    assert (refused.status_code, refused.json()["code"]) == (409, "claimed_by_other")
    assert reader.post(f"{ROOT}{case.pk}/claim/", {"takeover": True}).status_code == 200
    assert reader.delete(f"{ROOT}{case.pk}/claim/").status_code == 204
    assert client.get(f"{ROOT}{case.pk}/").json()["reading_claim"] is None
