"""A FHIR client that read the CapabilityStatement alone follows a case on the running portal."""

from __future__ import annotations

import time

import pytest
import requests

from classifier.client import Client
from tests.classifier.fhir.follower import Follower
from tests.factories import draw_jpeg
from tests.support.live_clinic import PASSWORD, LiveClinic

pytestmark = [pytest.mark.stack, pytest.mark.acceptance]
SECONDS = 90.0


def call(method, url, sent, headers):
    answer = requests.request(method, url, json=sent, headers=headers, timeout=60)
    return answer.status_code, answer.json()


def follow(follower: Follower, request: dict, status: str, clinic: LiveClinic) -> dict:
    """What belongs to the report once it has this status; its states on the way are the legal ones."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = follower.read_report(request)
        (report,) = found["DiagnosticReport"]
        if report["status"] == status:
            return found
        assert report["status"] in ("registered", "preliminary")
        assert time.monotonic() < deadline, clinic.stack.read_log()[-4000:]
        time.sleep(0.3)


def test_case_from_order_to_final_report(live_stack):
    clinic = LiveClinic(live_stack)
    follower = Follower(call, f"{live_stack.url}/fhir/r4")
    follower.start(f"integration@{clinic.domain}", PASSWORD)
    request = follower.get(follower.submit(draw_jpeg(40)))
    assert request["status"] == "active"

    found = follow(follower, request, "preliminary", clinic)
    (report,), (observation,) = found["DiagnosticReport"], found["Observation"]
    assert 0 <= observation["valueQuantity"]["value"] <= 1
    device = follower.read(observation["device"]["reference"])
    assert device["deviceName"][0]["name"] == "paper-cnn-2"

    token = clinic.log_in("dermatologist").headers["Authorization"].removeprefix("Bearer ")
    with Client(live_stack.url, token) as client:
        case = client.submissions.get(request["id"])
        client.reviews.sign(case, diagnosis="melanoma", management="excise", agreement="agrees")

    found = follow(follower, request, "final", clinic)
    (report,), (provenance,) = found["DiagnosticReport"], found["Provenance"]
    assert report["conclusionCode"][0]["coding"][0]["code"] == "melanoma"
    signer = follower.read(provenance["agent"][0]["who"]["reference"])
    assert signer["name"][0]["text"] == "Dermatologist"
    assert follower.get(f"ServiceRequest/{request['id']}")["status"] == "completed"
