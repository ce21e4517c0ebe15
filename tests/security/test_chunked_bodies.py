"""Request bodies: whatever door, a chunked one is read like others, and what is too large isn't read at all."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from gunicorn.http.errors import InvalidChunkSize, NoMoreData

from classifier.models import Patient, Submission
from tests.classifier.api.conftest import form
from tests.classifier.fhir import orders
from tests.factories import PatientFactory, TwoClinics, active_model, draw_jpeg, two_clinics
from tests.support.by_token import call_by_token
from tests.support.oauth import TOKEN, register
from tests.support.people import service_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model", "stores")]
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def model(db):
    return active_model()


@pytest.fixture
def side(db) -> TwoClinics:
    return two_clinics()


@dataclass
class Door:
    """A request, and what shows that it was done."""

    client: Any
    method: str
    path: str
    content_type: str
    body: bytes = field(repr=False)
    is_done: Callable[[Any], bool]

    def send(self, body: Any = None, *, is_terminated: bool = True, length: int | None = None) -> Any:
        """As gunicorn hands a chunked request over: without a length, and with an end; with `length`, unchunked."""
        how = {"HTTP_TRANSFER_ENCODING": "chunked"} if length is None else {}
        extra: dict[str, Any] = {
            "wsgi.input": io.BytesIO(self.body) if body is None else body,
            "wsgi.input_terminated": is_terminated,
            "CONTENT_LENGTH": "" if length is None else str(length),
            "CONTENT_TYPE": self.content_type,
            **how,
        }
        return self.client.generic(self.method, self.path, b"", self.content_type, **extra)


def make_doors(side: TwoClinics) -> dict[str, Door]:
    staff = side.own
    patient = PatientFactory(clinic=staff.clinic, mrn="CHUNK-1")
    PatientFactory(clinic=staff.clinic, mrn="CHUNK-2")
    program = call_by_token(staff.integration)
    browser = Client()
    browser.force_login(staff.clinician)
    system = register(staff, "system", service=service_account(staff.clinic))

    def sex_is(sex: str) -> Callable[[Any], bool]:
        return lambda _: Patient.objects.filter(pk=patient.pk, sex=sex).exists()

    def has_case(_: Any) -> bool:
        return Submission.objects.exists()

    page = {
        "clinic": str(staff.clinic.pk),
        "request_key": str(uuid.uuid4()),
        "patient": "new",
        "lesion": "new",
        "capture_kind": "dermoscopic",
        "priority": "routine",
        **{
            name: value
            for name, value in form(laterality="left").items()
            if name not in ("images", "patient_mrn")
        },
        "mrn": "CHUNK-9",
        "consents_to_inference": "on",
    }
    edit = {"birth_date": "1970-05-17", "sex": "other", "skin_type": "II", "consents_to_inference": "on"}
    asked = {
        "grant_type": "client_credentials",
        "client_id": system.application.client_id,
        "client_secret": system.secret,
    }
    return {
        "REST": Door(
            program,
            "PATCH",
            f"/api/v1/patients/{patient.pk}/",
            "application/json",
            b'{"sex": "male"}',
            sex_is("male"),
        ),
        "REST form": Door(
            program,
            "POST",
            "/api/v1/submissions/",
            MULTIPART_CONTENT,
            encode_multipart(BOUNDARY, form(consents_to_inference="true")),
            has_case,
        ),
        "FHIR": Door(
            program,
            "POST",
            "/fhir/r4",
            "application/fhir+json",
            json.dumps(orders.order(staff.clinic)).encode(),
            has_case,
        ),
        "FHIR search": Door(
            program,
            "POST",
            "/fhir/r4/Patient/_search",
            FORM,
            urlencode({"identifier": "CHUNK-1"}).encode(),
            lambda answer: answer.json().get("total") == 1,
        ),
        "OAuth": Door(
            Client(),
            "POST",
            TOKEN,
            FORM,
            urlencode(asked).encode(),
            lambda answer: b"access_token" in answer.content,
        ),
        "page": Door(
            browser,
            "POST",
            f"/patients/{patient.pk}/edit/",
            FORM,
            urlencode({**edit, "clinic": str(staff.clinic.pk)}).encode(),
            sex_is("other"),
        ),
        "page with images": Door(
            browser,
            "POST",
            "/submissions/new/",
            MULTIPART_CONTENT,
            encode_multipart(BOUNDARY, {**page, "images": [io.BytesIO(draw_jpeg(1))]}),
            has_case,
        ),
    }


DOORS = ["REST", "REST form", "FHIR", "FHIR search", "OAuth", "page", "page with images"]
IN_OWN_WORDS = {
    "REST": lambda body: body["code"],
    "REST form": lambda body: body["code"],
    "FHIR": lambda body: body["issue"][0]["details"]["coding"][0]["code"],
    "FHIR search": lambda body: body["issue"][0]["details"]["coding"][0]["code"],
    "OAuth": lambda body: body["error"],
    "page": lambda body: body["error"],
    "page with images": lambda body: body["error"],
}


@pytest.mark.parametrize("door", DOORS)
def test_it_is_read(side, door):
    sent = make_doors(side)[door]
    answer = sent.send()
    assert answer.status_code in (200, 202, 302), answer.content.decode()[:500]
    assert sent.is_done(answer)


@pytest.mark.parametrize("door", DOORS)
def test_where_its_end_can_not_be_told_the_length_is_asked_for(side, door):
    sent = make_doors(side)[door]
    answer = sent.send(is_terminated=False)
    assert answer.status_code == 411
    assert IN_OWN_WORDS[door](answer.json()) == "length_required"
    assert not sent.is_done(answer)


class Endless(io.RawIOBase):
    """A body that never ends, and how much of it was read."""

    def __init__(self) -> None:
        self.length = 0

    def read(self, size: int = -1) -> bytes:
        self.length += size
        return b"x" * size


@pytest.mark.parametrize("length", [None, 10**12], ids=["chunked", "of a stated length"])
@pytest.mark.parametrize("door", DOORS)
def test_an_endless_one_meets_the_limits(side, door, length, settings):
    sent = make_doors(side)[door]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = settings.DERMAPORT_UPLOAD_MAX_BYTES = 1000
    settings.DERMAPORT_API_JSON_MAX_BYTES = settings.DERMAPORT_FHIR_MAX_BYTES = 1000
    settings.DERMAPORT_UPLOAD_MAX_IMAGES = 2
    body = Endless()
    answer = sent.send(body, length=length)
    # Forms without files are Django's to refuse, by 400.
    assert answer.status_code == (400 if door in ("OAuth", "page") else 413)
    assert not sent.is_done(answer)
    # Unchunked, a page reads on a little, so that the browser hears its answer; a program isn't read at all.
    assert body.length <= (3001 if length is None else 64 * 1024 if door == "page with images" else 0)
    if door in ("REST", "REST form", "FHIR", "FHIR search"):
        assert IN_OWN_WORDS[door](answer.json()) == "request_too_large"
        assert "at most" in answer.content.decode()


def test_the_limit_of_an_address_counts(side, settings):
    """Less than what other addresses take, and more than this one does."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    answer = make_doors(side)["REST"].send()
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")
    assert "This body is 15 bytes; at most 10 bytes are accepted." in answer.json()["detail"]


class Torn(io.RawIOBase):
    """A connection that ends within a chunk, or a chunk that is none."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, _: int = -1) -> bytes:
        raise self._error


@pytest.mark.parametrize("door", ["REST", "REST form", "FHIR", "FHIR search", "page with images"])
@pytest.mark.parametrize(
    "error", [NoMoreData("no more"), InvalidChunkSize(b"ZZ")], ids=lambda one: type(one).__name__
)
def test_a_torn_one_is_told_and_nothing_is_kept(side, door, error):
    sent = make_doors(side)[door]
    answer = sent.send(Torn(error))
    assert answer.status_code == 400
    assert "cut off before its end" in answer.content.decode()
    assert not sent.is_done(answer)


def test_an_empty_one_is_empty(side):
    door = make_doors(side)["REST"]
    answer = door.send(io.BytesIO(b""))
    assert answer.status_code == 200
    assert not door.is_done(answer)
