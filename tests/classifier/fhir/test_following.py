"""A client that knows FHIR and the CapabilityStatement, and nothing else of this server."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from rest_framework.test import APIClient

from classifier import inference
from classifier.inference import BatchResult, Judgement
from classifier.models import Review, Submission
from classifier.services.inference import run_queued
from classifier.services.reviews import Decision, amend_review, sign_review
from tests.classifier.fhir.conftest import BASE, validate
from tests.factories import PASSWORD, draw_jpeg

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model", "stores")]


@dataclass
class Follower:
    """Starts from one address; every other comes out of an answer, or of FHIR's own rules."""

    http: APIClient
    base: str
    statement: dict[str, Any] = field(default_factory=dict)

    def start(self, email: str, password: str) -> None:
        self.statement = self.get("metadata")
        CapabilityStatement.model_validate(self.statement)
        self.base = self.statement["implementation"]["url"]
        (token_url,) = re.findall(r"POST (\S+),", self.rest["security"]["description"])
        answer = self.http.post(token_url, {"email": email, "password": password}, format="json")
        self.http.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")

    @property
    def rest(self) -> dict[str, Any]:
        return self.statement["rest"][0]

    def describe(self, kind: str) -> dict[str, Any]:
        return next(one for one in self.rest["resource"] if one["type"] == kind)

    def get(self, address: str) -> dict[str, Any]:
        url = address if address.startswith("http") else f"{self.base}/{address}"
        response = self.http.get(url, headers={"Accept": "application/fhir+json"})
        assert response.status_code == 200, response.content
        validate(response.json())
        return response.json()

    def find(self, kind: str, **params: str) -> list[dict[str, Any]]:
        """By search parameters that the statement offers, over all pages."""
        offered = self.describe(kind)
        names = {param["name"] for param in offered["searchParam"]} | {"_include", "_revinclude"}
        assert set(params) <= names
        query = "&".join(f"{name}={value}" for name, value in params.items())
        found, url = [], f"{kind}?{query}"
        while url:
            bundle = self.get(url)
            found += [entry["resource"] for entry in bundle.get("entry", [])]
            url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
        return found

    def submit(self, picture: bytes) -> str:
        """An order as the statement describes it; returns where the ServiceRequest is."""
        assert {"code": "transaction"}.items() <= self.rest["interaction"][0].items()
        (organization,) = self.find("Organization")
        (mrn_prefix,) = set(re.findall(r"`(urn:\S+?:mrn:)`", self.rest["documentation"]))
        (site_system,) = re.findall(r"a code of `(\S+?)`", self.rest["documentation"])[:1]
        (system,) = self.find("CodeSystem", url=site_system)
        site = next(one for one in system["concept"] if one["display"].startswith("Shoulder"))
        patient, lesion, request = (f"urn:uuid:{number}" for number in "123")
        subject = {"reference": patient}
        resources = {
            patient: {
                "resourceType": "Patient",
                "identifier": [{"system": mrn_prefix + organization["id"], "value": "A-1"}],
            },
            lesion: {
                "resourceType": "BodyStructure",
                "patient": subject,
                "location": {"coding": [{"system": site_system, "code": site["code"]}]},
            },
            request: {
                "resourceType": "ServiceRequest",
                "identifier": [{"system": "urn:ehr.example:order", "value": "1"}],
                "status": "active",
                "intent": "order",
                "subject": subject,
                "supportingInfo": [{"reference": lesion}],
            },
            "urn:uuid:4": {
                "resourceType": "Media",
                "status": "completed",
                "content": {"data": base64.b64encode(picture).decode()},
            },
        }
        entries = [
            {"fullUrl": name, "resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
            for name, one in resources.items()
        ]
        sent = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        validate(sent)
        answer = self.http.generic("POST", self.base, json.dumps(sent), content_type="application/fhir+json")
        assert answer.status_code == 200, answer.content
        made = [entry["response"]["location"] for entry in answer.json()["entry"]]
        return next(location for location in made if "/ServiceRequest/" in location)

    def read_report(self, request: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """The report with all that came along, by type."""
        parameters = {"based-on": f"ServiceRequest/{request['id']}"}
        include, back = "DiagnosticReport:result", "Provenance:target"
        assert include in self.describe("DiagnosticReport")["searchInclude"]
        assert back in self.describe("DiagnosticReport")["searchRevInclude"]
        found = self.find("DiagnosticReport", **parameters, _include=include, _revinclude=back)
        by_kind: dict[str, list[dict[str, Any]]] = {}
        for one in found:
            by_kind.setdefault(one["resourceType"], []).append(one)
        return by_kind


@pytest.fixture
def network(monkeypatch):
    """A network that takes every image for malignant."""

    def predict(_, images):
        return BatchResult([Judgement(0.88, 0.91, "malignant") for _ in images], "CPU: fake", 0.001)

    monkeypatch.setattr(inference, "predict", predict)
    monkeypatch.setattr(inference, "load_predictor", lambda _: None)


@pytest.mark.usefixtures("network")
def test_a_case_from_order_to_amended_report(side):
    follower = Follower(APIClient(), BASE)
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
    device = follower.get(observation["device"]["reference"])
    assert device["deviceName"][0]["type"] == "model-name"
    media = follower.get(observation["derivedFrom"][0]["reference"])
    assert base64.b64decode(follower.get(media["content"]["url"])["data"])[:2] == b"\xff\xd8"

    case = Submission.objects.get()
    melanoma = Decision(diagnosis="melanoma", agreement="agrees", management="excise")
    signed = sign_review(actor=side.own.dermatologist, submission=case, decision=melanoma)
    found = follower.read_report(request)
    (report,), (provenance,) = found["DiagnosticReport"], found["Provenance"]
    assert report["status"] == "final"
    assert report["conclusionCode"][0]["coding"][0]["code"] == "melanoma"
    signer = follower.get(provenance["agent"][0]["who"]["reference"])
    assert signer["name"][0]["text"] == side.own.dermatologist.full_name
    assert signer["id"] == report["resultsInterpreter"][0]["reference"].partition("/")[2]

    naevus = Decision(diagnosis="naevus", agreement="disagrees", management="no_action")
    amend_review(actor=side.own.dermatologist, review=signed, decision=naevus, reason="Histology came back.")
    found = follower.read_report(request)
    assert found["DiagnosticReport"][0]["status"] == "amended"
    assert len(found["Provenance"]) == Review.objects.count() == 2
    assert follower.get(f"ServiceRequest/{request['id']}")["status"] == "completed"
