"""How much one caller may ask: calls a minute, and images at work."""

import time

import pytest
import time_machine
from django.utils import timezone

from classifier.intake.rate_limits import forget_calls
from classifier.models import Prediction, RequestCount
from tests.classifier.api.conftest import ROOT, form
from tests.factories import PredictionFactory, SubmissionFactory, service_account
from tests.support.oauth import ask_by_itself, call, register

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


@time_machine.travel(MOMENT, tick=False)
def test_calls_of_one_application_whatever_its_tokens(side, settings):
    settings.DERMAPORT_API_CALLS_PER_MINUTE = 2
    first, second = (
        register(side.own, kind="system", service=service_account(side.own.clinic)) for _ in range(2)
    )

    def ask_with_a_new_token(registration):
        return call(ask_by_itself(registration).json()["access_token"])

    answers = [ask_with_a_new_token(first) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert ask_with_a_new_token(second).status_code == 200


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
