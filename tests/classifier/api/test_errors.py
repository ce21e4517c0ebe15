"""Every error in one shape, whatever went wrong."""

import pytest
from django.core.exceptions import SuspiciousOperation
from rest_framework.test import APIClient

from classifier.services.errors import ConflictError, InvalidInputError, ServiceError, UnavailableError
from tests.classifier.api.conftest import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(api, side):
    client = api(side.own.integration)
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        (InvalidInputError("a", "A.", field="note"), 400, ("validation_error", "a", "A.", "note")),
        (InvalidInputError("a", "A."), 400, ("validation_error", "a", "A.", None)),
        (ConflictError("b", "B."), 409, ("client_error", "b", "B.", None)),
        (ConflictError("b", "B.", field="mrn"), 409, ("client_error", "b", "B.", "mrn")),
        (UnavailableError("c", "C."), 503, ("server_error", "c", "C.", None)),
        (ServiceError("d", "D."), 500, ("server_error", "d", "D.", None)),
        (SuspiciousOperation("odd"), 400, ("client_error", "parse_error", "Malformed request.", None)),
        (ValueError("MRN-CANARY"), 500, ("server_error", "error", "Server Error (500)", None)),
    ],
    ids=str,
)
def test_shape(client, monkeypatch, error, status, expected):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("classifier.api.views.submissions.select_submissions", fail)
    response = client.get(f"{ROOT}/submissions/")
    kind, code, detail, attr = expected
    assert response.status_code == status
    assert response.json() == {"type": kind, "errors": [{"code": code, "detail": detail, "attr": attr}]}
    assert response["Cache-Control"] == "private, no-store"


def test_refusals_before_the_view(client):
    assert APIClient().get(f"{ROOT}/me/").json()["errors"][0]["code"] == "not_authenticated"
    assert client.put(f"{ROOT}/me/").status_code == 405
    assert client.options(f"{ROOT}/me/").status_code == 405
    assert client.post(f"{ROOT}/token/", "{", content_type="application/json").status_code == 400
    assert client.get(f"{ROOT}/me/", HTTP_ACCEPT="text/html").status_code == 406


def test_text_larger_than_the_site_takes_is_refused(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    response = client.post(f"{ROOT}/submissions/", {"clinical_history": "x" * 3000}, format="multipart")
    assert response.status_code == 413
    assert response.json()["errors"][0]["code"] == "request_too_large"


def test_broken_multipart_is_refused(client):
    response = client.post(
        f"{ROOT}/submissions/", b"--x\r\nbroken", content_type="multipart/form-data; boundary="
    )
    assert response.status_code == 400
    assert response.json()["type"] == "client_error"


@pytest.mark.parametrize("path", ["", "me", "submissions/x/", "nothing/here/"])
def test_unknown_address_is_told_in_the_same_shape(client, path):
    response = client.get(f"{ROOT}/{path}")
    assert response.status_code == 404
    assert response.json()["errors"][0]["code"] == "not_found"


@pytest.mark.parametrize("path", ["submissions/", "patients/", "lesions/", "model-versions/", "me/"])
def test_nobody_is_asked_to_log_in(path):
    response = APIClient().get(f"{ROOT}/{path}")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
