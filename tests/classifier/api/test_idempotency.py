"""`Idempotency-Key`: the first answer again, nothing done twice, and nothing readable kept of it."""

import threading
import time
import uuid

import pytest
from django.db import connection
from django.urls import get_resolver
from django.utils import timezone

from classifier.intake.idempotency import CLAIM
from classifier.models import IdempotentRequest, Lesion, Patient, Prediction, Submission, SubmissionImage
from portal.trust.audit.models import AuditEvent
from tests.classifier.api.conftest import ROOT, codes, form, jpeg
from tests.factories import PredictionFactory, SubmissionFactory
from tests.permissions.calling import walk

SUBMISSIONS = f"{ROOT}/submissions/"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model", "stores")]


@pytest.fixture
def client(api, side):
    return api(side.own.integration)


def send(client, key="order-4711", **changes):
    return client.post(SUBMISSIONS, form(**changes), format="multipart", HTTP_IDEMPOTENCY_KEY=key)


def count_rows():
    return [model.objects.count() for model in (Patient, Lesion, Submission, SubmissionImage, Prediction)]


def test_same_request_again_gets_the_first_answer(client, side, api):
    first = send(client)
    Prediction.objects.update(state="failed", error_code="broken", finished_at=timezone.now())
    again = send(api(side.own.integration))
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again["Location"] == first["Location"]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert count_rows() == [1, 1, 1, 1, 1]
    assert AuditEvent.objects.filter(action="answer.repeated", chain__clinic=side.own.clinic).count() == 1


@pytest.mark.parametrize(
    "change",
    [{"images": [jpeg(9)]}, {"note": "x"}, {"images": [jpeg(name="other.jpg")]}, {"priority": "urgent"}],
)
def test_same_key_with_another_body_is_refused(client, change):
    send(client)
    again = send(client, **change)
    assert again.status_code == 422
    assert again.json()["code"] == "idempotency_key_reused"
    assert count_rows() == [1, 1, 1, 1, 1]


def test_same_key_at_another_address_is_refused(client, side):
    send(client)
    case = SubmissionFactory(clinic=side.own.clinic)
    again = client.post(f"{SUBMISSIONS}{case.pk}/cancel/", HTTP_IDEMPOTENCY_KEY="order-4711")
    assert (again.status_code, again.json()["code"]) == (422, "idempotency_key_reused")


def test_keys_of_two_callers_never_meet(client, side, api):
    first = send(client)
    for other in (side.own.clinician, side.other.integration):
        theirs = send(api(other), images=[jpeg(3)])
        assert theirs.status_code == 202
        assert theirs.json()["id"] != first.json()["id"]


def test_request_that_still_runs_is_a_conflict(client):
    send(client)
    IdempotentRequest.objects.update(status=None, sealed_answer="", claimed_at=timezone.now())
    again = send(client)
    assert (again.status_code, again.json()["code"]) == (409, "request_in_progress")
    assert int(again["Retry-After"]) > 0


def test_request_whose_process_died_is_taken_over_and_finds_what_it_made(client):
    first = send(client)
    IdempotentRequest.objects.update(
        status=None, sealed_answer="", location="", claimed_at=timezone.now() - CLAIM
    )
    again = send(client)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again["Location"] == first["Location"]
    assert count_rows() == [1, 1, 1, 1, 1]
    assert send(client)["Idempotency-Replayed"] == "true"


def test_after_an_error_the_key_is_free(client):
    assert send(client, birth_date="2999-01-01").status_code == 400
    assert not IdempotentRequest.objects.exists()
    assert send(client).status_code == 202


def test_after_a_bug_the_repetition_names_the_same_submission(client, monkeypatch):
    def fail(**_):
        raise RuntimeError

    client.raise_request_exception = False
    monkeypatch.setattr("classifier.api.idempotency.keep_answer", fail)
    assert send(client).status_code == 500
    monkeypatch.undo()
    submission = Submission.objects.get()
    assert send(client).json()["id"] == str(submission.pk)


def test_action_and_its_answer_are_one_transaction(client, side, monkeypatch):
    case = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=case)
    url = f"{SUBMISSIONS}{case.pk}/cancel/"

    def fail(**_):
        raise RuntimeError

    client.raise_request_exception = False
    monkeypatch.setattr("classifier.api.idempotency.keep_answer", fail)
    assert client.post(url, HTTP_IDEMPOTENCY_KEY="stop").status_code == 500
    case.refresh_from_db()
    assert case.cancelled_at is None
    monkeypatch.undo()
    first = client.post(url, HTTP_IDEMPOTENCY_KEY="stop")
    assert (first.status_code, first.json()["state"]) == (200, "cancelled")
    again = client.post(url, HTTP_IDEMPOTENCY_KEY="stop")
    assert (again.status_code, again.json()) == (200, first.json())
    assert client.post(url).status_code == 409


@pytest.mark.parametrize("key", ["", "   ", "k" * 129])
def test_key_of_no_or_too_much_length(client, key):
    response = send(client, key=key)
    assert (response.status_code, codes(response)) == (
        400,
        [("idempotency_key_length", "Idempotency-Key")],
    )


def test_every_post_of_the_api_takes_a_key():
    """All but the one that makes tokens: a secret is not kept to be given again."""
    views = {
        pattern.name: pattern.callback.cls
        for pattern in walk(get_resolver().url_patterns)
        if (pattern.name or "").startswith("api-") and hasattr(pattern.callback, "cls")
    }
    posts = {name: view.post for name, view in views.items() if hasattr(view, "post")}
    assert "api-submissions" in posts
    without = {name for name, post in posts.items() if not hasattr(post, "is_idempotent")}
    assert without == {"api-token"}


@pytest.mark.django_db(transaction=True)
def test_eight_retries_at_once_make_one_submission(side, api):
    key, ids, told = str(uuid.uuid4()), [], set()
    clients = [api(side.own.integration) for _ in range(8)]
    start = threading.Barrier(len(clients))

    def retry(client):
        start.wait()
        while (answer := send(client, key=key)).status_code == 409:
            told.add(answer.json()["code"])
            time.sleep(0.1)
        ids.append(answer.json().get("id"))
        connection.close()

    threads = [threading.Thread(target=retry, args=(client,)) for client in clients]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert told <= {"request_in_progress"}
    assert count_rows() == [1, 1, 1, 1, 1]
