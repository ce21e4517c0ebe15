"""How much one caller may ask: calls a minute, images at work, waiting requests, bytes of JSON."""

import base64
import time

import pytest
import time_machine
from django.utils import timezone

from classifier.api import waiting
from classifier.models import Prediction, RequestCount, Submission
from classifier.services.rate_limits import forget_calls
from tests.classifier.api.conftest import ROOT, codes, form
from tests.factories import PredictionFactory, SubmissionFactory, answered_submission, draw_jpeg

SUBMISSIONS = f"{ROOT}/submissions/"
MOMENT = (time.time() // 60 + 5) * 60
"""The start of a minute soon: tokens made now still hold then."""
pytestmark = pytest.mark.django_db


@pytest.fixture
def client(api, side):
    return api(side.own.integration)


@time_machine.travel(MOMENT, tick=False)
def test_calls_of_one_token(client, side, api, settings):
    settings.DERMAPORT_API_CALLS_PER_MINUTE = 3
    answers = [client.get(f"{ROOT}/me/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    last = answers[-1]
    assert (last.json()["code"], last["RateLimit-Limit"]) == ("throttled", "3")
    assert last["Retry-After"] == last["RateLimit-Reset"] == "60"
    assert api(side.own.integration).get(f"{ROOT}/me/").status_code == 200


def test_calls_count_anew_each_minute(client, settings):
    settings.DERMAPORT_API_CALLS_PER_MINUTE = 1
    with time_machine.travel(MOMENT, tick=False):
        assert [client.get(f"{ROOT}/me/").status_code for _ in range(2)] == [200, 429]
    with time_machine.travel(MOMENT + 60, tick=False):
        assert client.get(f"{ROOT}/me/").status_code == 200


@time_machine.travel(MOMENT, tick=False)
def test_calls_of_one_clinic(api, side, settings):
    settings.DERMAPORT_API_CLINIC_CALLS_PER_MINUTE = 2
    people = (side.own.integration, side.own.clinician, side.own.dermatologist)
    assert [api(person).get(f"{ROOT}/me/").status_code for person in people] == [200, 200, 429]
    assert api(side.other.clinician).get(f"{ROOT}/me/").status_code == 200


def test_counts_of_quiet_callers_are_forgotten(client):
    client.get(f"{ROOT}/me/")
    assert forget_calls() == 0
    RequestCount.objects.update(minute=1)
    assert forget_calls() == 2


@pytest.mark.usefixtures("model", "stores")
def test_images_at_work(client, side, settings):
    settings.DERMAPORT_API_ACTIVE_PREDICTIONS = 2
    PredictionFactory(submission=SubmissionFactory(clinic=side.own.clinic))
    PredictionFactory(submission=SubmissionFactory(clinic=side.other.clinic))
    headers = {"HTTP_IDEMPOTENCY_KEY": "one"}
    assert client.post(SUBMISSIONS, form(), format="multipart", **headers).status_code == 202
    refused = client.post(SUBMISSIONS, form(), format="multipart")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_active")
    assert int(refused["Retry-After"]) > 0
    assert client.post(SUBMISSIONS, form(), format="multipart", **headers)["Idempotency-Replayed"]
    Prediction.objects.update(state="failed", error_code="broken", finished_at=timezone.now())
    assert client.post(SUBMISSIONS, form(), format="multipart").status_code == 202


def encoded(**changes):
    image = {"name": "lesion.jpg", "data": base64.b64encode(draw_jpeg(1)).decode()}
    return form(images=[image], **changes)


@pytest.mark.usefixtures("model", "stores")
def test_images_as_base64(client):
    response = client.post(SUBMISSIONS, encoded(), format="json")
    assert response.status_code == 202
    (image,) = Submission.objects.get().images.all()
    assert (image.original_name, image.byte_size) == ("lesion.jpg", len(draw_jpeg(1)))
    by_form = client.post(SUBMISSIONS, form(), format="multipart")
    assert set(by_form.json()) == set(response.json())


@pytest.mark.usefixtures("model", "stores")
@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([{"data": "no base64!"}], ("base64_invalid", "images.0.data")),
        ([{"name": "x.jpg"}], ("required", "images.0.data")),
        ([{"data": "aGVsbG8=", "path": "/etc"}], ("unknown_field", "images.0.path")),
        (["aGVsbG8="], ("invalid_input", "images.0")),
        ([], ("empty", "images")),
        ("aGVsbG8=", ("not_a_list", "images")),
    ],
    ids=str,
)
def test_images_that_are_not_base64(client, images, expected):
    response = client.post(SUBMISSIONS, form(images=images), format="json")
    assert response.status_code == 400
    (code, field), (_, wanted) = codes(response)[0], expected
    assert field == wanted
    assert code == expected[0] or field == "images.0"
    assert not Submission.objects.exists()


def test_json_larger_than_the_site_takes(client, settings):
    settings.DERMAPORT_API_JSON_MAX_BYTES = 1000
    refused = client.post(SUBMISSIONS, encoded(), format="json")
    assert (refused.status_code, refused.json()["code"]) == (413, "request_too_large")
    assert "1000 bytes" in refused.json()["detail"] or "KB" in refused.json()["detail"]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert client.post(f"{ROOT}/patients/", {"mrn": "MRN-000001"}).status_code == 413


@pytest.mark.parametrize("body", ["[" * 50_000, '{"mrn": NaN}', '{"mrn": ' + "9" * 5000 + "}", "{", ""])
def test_json_that_breaks_parsers(client, body):
    response = client.post(f"{ROOT}/patients/", body, content_type="application/json")
    assert response.status_code == 400


@pytest.fixture
def case(side):
    case = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=case)
    return case


@pytest.mark.parametrize("suffix", ["", "status/"])
def test_waiting_ends_when_the_case_is_finished(client, case, monkeypatch, suffix):
    slept = []

    def finish(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            Prediction.objects.update(state="failed", error_code="broken", finished_at=timezone.now())

    monkeypatch.setattr(waiting.time, "sleep", finish)
    response = client.get(f"{SUBMISSIONS}{case.pk}/{suffix}", {"wait": 30})
    assert response.json()["state"] == "no_result"
    assert len(slept) == 3
    assert "Retry-After" not in response


def test_waiting_ends_with_the_callers_patience(client, case):
    response = client.get(f"{SUBMISSIONS}{case.pk}/status/", {"wait": 1})
    assert response.json()["is_finished"] is False
    assert int(response["Retry-After"]) > 0


def test_finished_case_is_answered_at_once(client, side, monkeypatch):
    monkeypatch.setattr(waiting.time, "sleep", lambda _: pytest.fail("nothing to wait for"))
    case = answered_submission(side.own)
    assert client.get(f"{SUBMISSIONS}{case.pk}/status/", {"wait": 30}).json()["is_finished"]


@pytest.mark.parametrize("suffix", ["", "status/"])
def test_too_many_that_wait_are_answered_at_once(client, case, settings, monkeypatch, suffix):
    settings.DERMAPORT_API_WAITING = 1
    monkeypatch.setattr(waiting.time, "sleep", lambda _: pytest.fail("no slot is free"))
    with waiting._slots(1):
        response = client.get(f"{SUBMISSIONS}{case.pk}/{suffix}", {"wait": 30})
    assert (response.status_code, response["Retry-After"]) == (200, "5")


@pytest.mark.parametrize("wait", ["31", "-1", "soon", "", "1.5", "٣"])
def test_wait_out_of_range(client, case, wait):
    for suffix in ("", "status/"):
        response = client.get(f"{SUBMISSIONS}{case.pk}/{suffix}", {"wait": wait})
        assert codes(response) == [("wait_out_of_range", "wait")]


def test_nobody_waits_for_a_case_of_the_other_clinic(api, side, case, monkeypatch):
    monkeypatch.setattr(waiting.time, "sleep", lambda _: pytest.fail("nothing to see"))
    stranger = api(side.other.integration)
    for suffix in ("", "status/"):
        assert stranger.get(f"{SUBMISSIONS}{case.pk}/{suffix}", {"wait": 30}).status_code == 404
