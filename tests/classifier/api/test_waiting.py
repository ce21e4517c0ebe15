"""`?wait=`: an answer that comes when the case is finished."""

import time

import pytest
from django.utils import timezone

from classifier.api import waiting
from classifier.models import Prediction
from tests.classifier.api.conftest import ROOT, codes
from tests.factories import PredictionFactory, SubmissionFactory, answered_submission, restate

SUBMISSIONS = f"{ROOT}/submissions/"
MOMENT = (time.time() // 60 + 5) * 60
"""The start of a minute soon: tokens made now still hold then."""
pytestmark = pytest.mark.django_db


@pytest.fixture
def client(api, side):
    return api(side.own.integration)


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
            restate(case)

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
