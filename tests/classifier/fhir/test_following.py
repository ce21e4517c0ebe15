"""A case followed from order to amended report by a client that read the CapabilityStatement alone."""

from __future__ import annotations

import base64
import json

import pytest
from rest_framework.test import APIClient

from classifier.cases.reviews import Decision, amend_review, sign_review
from classifier.engine import serving
from classifier.engine.run import run_queued
from classifier.engine.serving import BatchResult, Judgement
from classifier.models import Review, Submission
from tests.classifier.fhir.conftest import BASE
from tests.classifier.fhir.follower import Follower
from tests.factories import PASSWORD, draw_jpeg

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model", "stores")]


def call(method, url, sent, headers):
    """Through Django's own handler."""
    more = {f"HTTP_{name.upper()}": value for name, value in headers.items() if name != "Content-Type"}
    body = "" if sent is None else json.dumps(sent)
    response = APIClient().generic(method, url, body, content_type=headers.get("Content-Type", ""), **more)
    return response.status_code, response.json()


@pytest.fixture
def network(monkeypatch):
    """A network that takes every image for malignant."""

    def predict(_, images):
        return BatchResult([Judgement(0.88, 0.91, "malignant") for _ in images], "CPU: fake", 0.001)

    monkeypatch.setattr(serving, "predict", predict)
    monkeypatch.setattr(serving, "load_predictor", lambda _: None)


@pytest.mark.usefixtures("network")
def test_a_case_from_order_to_amended_report(side):
    follower = Follower(call, BASE)
    follower.start(side.own.integration.email, PASSWORD)
    request = follower.get(follower.submit(draw_jpeg(3)))
    assert request["status"] == "active"
    (report,) = follower.read_report(request)["DiagnosticReport"]
    assert report["status"] == "registered"

    assert run_queued(budget_seconds=5) == 1
    found = follower.read_report(request)
    (report,), (observation,) = found["DiagnosticReport"], found["Observation"]
    assert report["status"] == observation["status"] == "preliminary"
    assert observation["valueQuantity"]["value"] == 0.91
    device = follower.read(observation["device"]["reference"])
    assert device["deviceName"][0]["type"] == "model-name"
    media = follower.read(observation["derivedFrom"][0]["reference"])
    assert base64.b64decode(follower.get(media["content"]["url"])["data"])[:2] == b"\xff\xd8"

    case = Submission.objects.get()
    melanoma = Decision(diagnosis="melanoma", management="excise")
    signed = sign_review(actor=side.own.dermatologist, submission=case, decision=melanoma)
    found = follower.read_report(request)
    (report,), (provenance,) = found["DiagnosticReport"], found["Provenance"]
    assert report["status"] == "final"
    assert report["conclusionCode"][0]["coding"][0]["code"] == "melanoma"
    signer = follower.read(provenance["agent"][0]["who"]["reference"])
    assert signer["name"][0]["text"] == side.own.dermatologist.full_name
    assert signer["id"] == report["resultsInterpreter"][0]["reference"].partition("/")[2]

    naevus = Decision(diagnosis="naevus", management="no_action")
    amend_review(actor=side.own.dermatologist, review=signed, decision=naevus, reason="Histology came back.")
    found = follower.read_report(request)
    assert found["DiagnosticReport"][0]["status"] == "amended"
    assert len(found["Provenance"]) == Review.objects.count() == 2
    assert follower.get(f"ServiceRequest/{request['id']}")["status"] == "completed"
