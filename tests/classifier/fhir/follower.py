"""A client that knows FHIR and the CapabilityStatement, and nothing else of this server."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fhir.resources.R4B.capabilitystatement import CapabilityStatement

from tests.classifier.fhir.conftest import FHIR_JSON, validate

Call = Callable[[str, str, Any, dict[str, str]], tuple[int, Any]]
"""Method, address, what is sent as JSON, headers; the status and the JSON of the answer."""


@dataclass
class Follower:
    """Starts from one address; every other comes out of an answer, or of FHIR's own rules."""

    call: Call
    base: str
    statement: dict[str, Any] = field(default_factory=dict)
    token: str = ""

    def start(self, email: str, password: str) -> None:
        self.statement = self.get("metadata")
        CapabilityStatement.model_validate(self.statement)
        self.base = self.statement["implementation"]["url"]
        (token_url,) = re.findall(r"POST (\S+),", self.rest["security"]["description"])
        sent = {"email": email, "password": password}
        status, answer = self.call("POST", token_url, sent, {"Content-Type": "application/json"})
        assert status == 200, answer
        self.token = answer["token"]

    @property
    def rest(self) -> dict[str, Any]:
        return self.statement["rest"][0]

    def describe(self, kind: str) -> dict[str, Any]:
        return next(one for one in self.rest["resource"] if one["type"] == kind)

    def ask(self, method: str, address: str, sent: Any = None) -> dict[str, Any]:
        url = address if address.startswith("http") else f"{self.base}/{address}".rstrip("/")
        headers = {"Accept": FHIR_JSON}
        if sent is not None:
            validate(sent)
            headers["Content-Type"] = FHIR_JSON
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        status, answer = self.call(method, url, sent, headers)
        assert status == 200, answer
        validate(answer)
        return answer

    def get(self, address: str) -> dict[str, Any]:
        return self.ask("GET", address)

    def read(self, reference: str) -> dict[str, Any]:
        """What a reference names, where the statement says that its type can be read."""
        kind = reference.removeprefix(f"{self.base}/").partition("/")[0]
        assert {"code": "read"} in self.describe(kind)["interaction"]
        return self.get(reference)

    def find(self, kind: str, **params: str) -> list[dict[str, Any]]:
        """By search parameters that the statement offers, over all pages."""
        offered = self.describe(kind)
        assert {"code": "search-type"} in offered["interaction"]
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
        (agrees,) = re.findall(r"the extension `(\S+?)`, valueBoolean", self.rest["documentation"])
        patient, lesion, request = (f"urn:uuid:{number}" for number in "123")
        subject = {"reference": patient}
        resources = {
            patient: {
                "resourceType": "Patient",
                "identifier": [{"system": mrn_prefix + organization["id"], "value": "A-1"}],
                "extension": [{"url": agrees, "valueBoolean": True}],
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
        answer = self.ask("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        made = [entry["response"]["location"] for entry in answer["entry"]]
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
