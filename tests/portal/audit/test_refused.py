"""Refusals and failures leave events, with what was asked for and no words."""

import pytest
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken

from classifier import tasks
from tests.factories import PASSWORD, SubmissionFactory
from tests.portal.audit.conftest import events

pytestmark = pytest.mark.django_db


def test_page_that_a_role_does_not_open(client, side):
    client.force_login(side.own.clinician)
    assert client.get(reverse("audit-log")).status_code == 403
    (event,) = events("access.refused")
    assert (event.actor, event.chain.clinic) == (side.own.clinician, side.own.clinic)
    assert event.details == {"status": 403, "method": "GET", "route": "audit-log"}


def test_row_of_another_clinic(client, side):
    case = SubmissionFactory(clinic=side.other.clinic)
    client.force_login(side.own.clinician)
    assert client.get(reverse("submission-detail", args=[case.pk])).status_code == 404
    (event,) = events("access.not_found")
    assert event.chain.clinic == side.own.clinic
    assert event.details["object"] == str(case.pk)
    assert client.get("/nothing/").status_code == 404
    assert len(events("access.not_found")) == 1


def test_row_of_another_clinic_by_token(side):
    case = SubmissionFactory(clinic=side.other.clinic)
    _, text = AuthToken.objects.create(user=side.own.integration)
    api = Client(headers={"Authorization": f"Bearer {text}"})
    assert api.get(f"/api/v1/submissions/{case.pk}/").status_code == 404
    (event,) = events("access.not_found")
    assert (event.actor, event.chain.clinic) == (side.own.integration, side.own.clinic)


def test_wrong_token(client):
    assert client.get("/api/v1/me/", headers={"Authorization": "Bearer dp_wrong"}).status_code == 401
    assert client.get("/api/v1/me/").status_code == 401
    (event,) = events("token.refused")
    assert (event.actor, event.chain.key) == (None, "site")


def test_failed_log_in_and_log_in(client, side):
    for password in ("wrong", PASSWORD):
        client.post(reverse("account_login"), {"login": side.own.clinician.email, "password": password})
    assert len(events("user.login_failed")) == 1
    assert events("user.logged_in")[0].actor == side.own.clinician
    client.post(reverse("account_logout"))
    assert len(events("user.logged_out")) == 1


def test_page_that_fails(side, monkeypatch):
    def fail(*_, **__):
        raise ValueError("Zebedee")

    monkeypatch.setattr("classifier.pages.patients.list_patients", fail)
    client = Client(raise_request_exception=False)
    client.force_login(side.own.clinician)
    assert client.get(reverse("patient-list")).status_code == 500
    (event,) = events("request.failed")
    assert event.details == {"status": 500, "method": "GET", "route": "patient-list"}


def test_task_that_fails(monkeypatch):
    def fail():
        raise ValueError("Zebedee")

    monkeypatch.setattr(tasks.prediction_claims, "reconcile", fail)
    tasks.reconcile_predictions_task.apply()
    (event,) = events("task.failed")
    assert event.details == {
        "task": "classifier.tasks.reconcile_predictions_task",
        "error": "ValueError",
    }
