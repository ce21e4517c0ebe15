"""What the server says of itself, and that it does what it says."""

import pytest
from rest_framework.test import APIClient

from classifier.fhir.resources import KINDS
from tests.classifier.fhir.conftest import BASE, FHIR_JSON, ROOT, check, codes, post_search, read

pytestmark = pytest.mark.django_db


def test_capability_statement_is_open_and_complete():
    statement = read(APIClient(), "metadata")
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == BASE
    (rest,) = statement["rest"]
    assert {one["type"] for one in rest["resource"]} == {*KINDS, "Binary", "CodeSystem"}
    assert "http://testserver/api/v1/token/" in rest["security"]["description"]


def test_every_search_parameter_that_is_offered_works(fhir, side):
    """Strict: what the statement names, the server knows."""
    client = fhir(side.own.administrator)
    values = {"token": "x", "reference": str(side.own.clinic.pk), "date": "ge2026-01-01", "uri": "urn:x"}
    for offered in read(client, "metadata")["rest"][0]["resource"]:
        kind = offered["type"]
        for param in offered.get("searchParam", []):
            sent = {param["name"]: values[param["type"]]}
            sent |= {"target": str(side.own.clinic.pk)} if kind == "Provenance" else {}
            if kind == "CodeSystem":
                response = client.get(f"{ROOT}/{kind}", sent)
            else:
                response = post_search(client, kind, **sent)
            assert check(response)["type"] == "searchset", (kind, param)


def test_every_include_that_is_offered_works(fhir, side):
    client = fhir(side.own.administrator)
    for offered in read(client, "metadata")["rest"][0]["resource"]:
        for name in ("Include", "RevInclude"):
            for value in offered.get(f"search{name}", []):
                path = f"{ROOT}/{offered['type']}?_{name.lower()}={value}"
                check(client.get(path, headers={"Prefer": "handling=strict"}))


@pytest.mark.parametrize("wanted", ["json", "application/json", "application/fhir%2Bjson", FHIR_JSON])
def test_format_goes_before_accept(wanted):
    client = APIClient()
    response = client.get(f"{ROOT}/metadata?_format={wanted}", headers={"Accept": "text/html"})
    assert check(response)["resourceType"] == "CapabilityStatement"


@pytest.mark.parametrize("accept", [FHIR_JSON, f"{FHIR_JSON}; fhirVersion=4.0", "application/json", "*/*"])
def test_accept(accept):
    read(APIClient(), "metadata", Accept=accept)


@pytest.mark.parametrize(
    "asked", [{"headers": {"Accept": "application/fhir+xml"}}, {"data": {"_format": "xml"}}]
)
def test_other_forms_are_refused(asked):
    response = APIClient().get(f"{ROOT}/metadata", **asked)
    assert response.status_code == 406
    assert codes(response) == [("not-supported", "not_acceptable")]


def test_code_systems_say_what_codes_mean():
    client = APIClient()
    found = read(client, "CodeSystem?url=urn:dermaport:code:outcome")["entry"]
    (outcome,) = [entry["resource"] for entry in found]
    assert [one["code"] for one in outcome["concept"]] == ["benign", "malignant", "refer"]
    assert read(client, "CodeSystem/outcome") == outcome
    assert read(client, "CodeSystem")["total"] == 15
    named = {one["code"] for one in read(client, "CodeSystem/model-diagnosis")["concept"]}
    assert {"nv", "mel", "bcc", "akiec", "bkl", "df", "vasc", "other", "none-stands-out"} <= named
    assert client.get(f"{ROOT}/CodeSystem/nothing").status_code == 404


@pytest.mark.parametrize("path", ["/Nothing", "/Patient/", "/Patient/x", "/Patient/a/b"])
def test_unknown_address_is_told_as_an_outcome(path):
    response = APIClient().get(f"{ROOT}{path}")
    assert response.status_code == 404
    assert codes(response) == [("not-found", "not_found")]
