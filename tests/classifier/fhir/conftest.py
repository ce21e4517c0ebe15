from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from fhir.resources.R4B import get_fhir_model_class
from rest_framework.test import APIClient

from portal.trust.accounts.models import User
from tests.factories import TwoClinics, active_model, two_clinics
from tests.support.by_token import call_by_token

ROOT = "/fhir/r4"
BASE = f"http://testserver{ROOT}"
FHIR_JSON = "application/fhir+json"


@pytest.fixture
def side(db) -> TwoClinics:
    return two_clinics()


@pytest.fixture
def model(db):
    return active_model()


@pytest.fixture
def fhir() -> Callable[[User], APIClient]:
    return call_by_token


def check(response, status: int = 200) -> dict[str, Any]:
    """The resource of an answer, found right by fhir.resources' model of its type."""
    assert response.status_code == status, response.content.decode()[:1500]
    assert response["Content-Type"].split(";")[0] == FHIR_JSON
    resource = response.json()
    validate(resource)
    return resource


def validate(resource: dict[str, Any]) -> None:
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    if resource.get("type") == "transaction-response":
        return  # its entries say where things are, and hold none
    for entry in resource.get("entry", []):
        validate(entry["resource"])


def read(client: APIClient, path: str, **headers: str) -> dict[str, Any]:
    return check(client.get(f"{ROOT}/{path}", headers=headers or None))


def search(client: APIClient, path: str) -> list[dict[str, Any]]:
    """The matches of a search, without what came along."""
    entries = read(client, path).get("entry", [])
    return [entry["resource"] for entry in entries if entry["search"]["mode"] == "match"]


def post_search(client: APIClient, kind: str, **sent: str):
    """A search with its parameters in the body, and strict."""
    return client.post(
        f"{ROOT}/{kind}/_search",
        urlencode(sent),
        content_type="application/x-www-form-urlencoded",
        headers={"Prefer": "handling=strict"},
    )


def included(client: APIClient, path: str) -> list[tuple[str, str]]:
    entries = read(client, path).get("entry", [])
    found = [entry["resource"] for entry in entries if entry["search"]["mode"] == "include"]
    return sorted((one["resourceType"], one["id"]) for one in found)


def ids(resources: list[dict[str, Any]]) -> list[str]:
    return [resource["id"] for resource in resources]


def codes(response) -> list[tuple[str, str]]:
    """(FHIR's issue type, our code) of every issue of an OperationOutcome."""
    outcome = check(response, response.status_code)
    assert outcome["resourceType"] == "OperationOutcome"
    return [(issue["code"], issue["details"]["coding"][0]["code"]) for issue in outcome["issue"]]
