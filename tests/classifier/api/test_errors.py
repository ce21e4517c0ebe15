"""Every error in one shape, whatever went wrong."""

import pytest
from django.core.exceptions import SuspiciousOperation
from rest_framework.test import APIClient

from classifier.api.problems import PROBLEMS
from classifier.domain.errors import ConflictError, InvalidInputError, ServiceError, UnavailableError
from tests.classifier.api.conftest import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(api, side):
    client = api(side.own.integration)
    client.raise_request_exception = False
    return client


NOTE = [{"field": "note", "code": "a", "detail": "A."}]
MRN = [{"field": "mrn", "code": "b", "detail": "B."}]


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        (InvalidInputError("a", "A.", field="note"), 400, ("invalid_input", "Invalid input", "A.", NOTE)),
        (InvalidInputError("a", "A."), 400, ("a", "Bad Request", "A.", [])),
        (ConflictError("b", "B."), 409, ("b", "Conflict", "B.", [])),
        (ConflictError("mrn_taken", "B."), 409, ("mrn_taken", "MRN taken", "B.", [])),
        (ConflictError("b", "B.", field="mrn"), 409, ("b", "Conflict", "B.", MRN)),
        (UnavailableError("c", "C."), 503, ("c", "Service Unavailable", "C.", [])),
        (ServiceError("d", "D."), 500, ("d", "Internal Server Error", "D.", [])),
        (
            SuspiciousOperation("odd"),
            400,
            ("parse_error", "Malformed request", "Malformed request.", []),
        ),
        (ValueError("MRN-CANARY"), 500, ("error", "Our mistake", "Server Error (500)", [])),
    ],
    ids=str,
)
def test_shape(client, monkeypatch, error, status, expected):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("classifier.api.views.submissions.select_submissions", fail)
    response = client.get(f"{ROOT}/submissions/")
    code, title, detail, fields = expected
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": f"/api/v1/errors/#{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "fields": fields,
    }
    assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        (lambda c: c.put(f"{ROOT}/me/"), 405, "method_not_allowed"),
        (lambda c: c.get(f"{ROOT}/me/", HTTP_ACCEPT="text/html"), 406, "not_acceptable"),
        (lambda c: c.post(f"{ROOT}/token/", "<x/>", content_type="text/xml"), 415, "unsupported_media_type"),
        (lambda c: c.post(f"{ROOT}/token/", "{", content_type="application/json"), 400, "parse_error"),
        (lambda c: c.get(f"{ROOT}/nothing/"), 404, "not_found"),
        (lambda c: c.get(f"{ROOT}/submissions/", {"cursor": "x"}), 400, "invalid_cursor"),
    ],
)
def test_every_refusal_is_a_problem(client, call, status, code):
    response = call(client)
    problem = response.json()
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert response["Content-Type"] == "application/problem+json"
    assert problem["title"] == PROBLEMS[code].title


def test_several_wrong_fields_are_each_named(client):
    problem = client.post(f"{ROOT}/token/", {"email": "x"}, format="json").json()
    assert problem["code"] == "invalid_input"
    assert {(one["field"], one["code"]) for one in problem["fields"]} == {
        ("email", "invalid"),
        ("password", "required"),
    }
    assert problem["detail"].startswith("2 fields")


def test_refusals_before_the_view(client):
    assert APIClient().get(f"{ROOT}/me/").json()["code"] == "not_authenticated"
    assert client.put(f"{ROOT}/me/").status_code == 405
    assert client.options(f"{ROOT}/me/").status_code == 405
    assert client.post(f"{ROOT}/token/", "{", content_type="application/json").status_code == 400
    assert client.get(f"{ROOT}/me/", HTTP_ACCEPT="text/html").status_code == 406


def test_text_larger_than_the_site_takes_is_refused(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    response = client.post(f"{ROOT}/submissions/", {"clinical_history": "x" * 3000}, format="multipart")
    assert response.status_code == 413
    assert response.json()["code"] == "request_too_large"


def test_broken_multipart_is_refused(client):
    response = client.post(
        f"{ROOT}/submissions/", b"--x\r\nbroken", content_type="multipart/form-data; boundary="
    )
    assert response.status_code == 400
    assert response.json()["code"] == "parse_error"


@pytest.mark.parametrize("path", ["", "me", "submissions/x/", "nothing/here/"])
def test_unknown_address_is_told_in_the_same_shape(client, path):
    response = client.get(f"{ROOT}/{path}")
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["submissions/", "patients/", "lesions/", "model-versions/", "me/"])
def test_nobody_is_asked_to_log_in(path):
    response = APIClient().get(f"{ROOT}/{path}")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
