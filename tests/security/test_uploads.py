"""Hostile files through every door: pages, REST as form and as base64, and FHIR."""

from __future__ import annotations

import base64
import json
import uuid
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken

from classifier.models import SubmissionImage
from tests.factories import active_model, staff_clinic
from tests.security.pictures import CARRIERS, JPEG, NAMES, REFUSED, SCRIPT

SIGNS = (b"<script", b"<svg", b"<html", b"<?php", b"PK\x03\x04", b"__pwned")


@pytest.fixture
def staff(db, stores, no_outside):
    active_model()
    return staff_clinic()


@pytest.fixture
def person(staff):
    client = Client(raise_request_exception=False)
    client.force_login(staff.dermatologist)
    return client


@pytest.fixture
def program(staff):
    _, text = AuthToken.objects.create(user=staff.integration)
    return Client(headers={"Authorization": f"Bearer {text}"}, raise_request_exception=False)


def by_form(program, person, staff, data, *, name="lesion.jpg", kind="image/jpeg"):
    fields = {
        "patient_mrn": f"MRN-{uuid.uuid4().hex[:8]}",
        "body_site": "unspecified",
        "consents_to_inference": True,
    }
    return program.post("/api/v1/submissions/", {**fields, "images": [SimpleUploadedFile(name, data, kind)]})


def by_json(program, person, staff, data, *, name="lesion.jpg", kind=""):
    images = [{"name": name[:255], "data": base64.b64encode(data).decode()}]
    body = {"patient_mrn": f"MRN-{uuid.uuid4().hex[:8]}", "body_site": "unspecified", "images": images}
    body["consents_to_inference"] = True
    return program.post("/api/v1/submissions/", body, content_type="application/json")


def by_page(program, person, staff, data, *, name="lesion.jpg", kind="image/jpeg"):
    fields = {
        "clinic": staff.clinic.pk,
        "request_key": uuid.uuid4(),
        "patient": "new",
        "mrn": f"MRN-{uuid.uuid4().hex[:8]}",
        "sex": "male",
        "consents_to_inference": "on",
        "lesion": "new",
        "body_site": "unspecified",
        "laterality": "unspecified",
        "capture_kind": "dermoscopic",
        "priority": "routine",
    }
    upload = SimpleUploadedFile(name, data, kind)
    return person.post(reverse("submission-new"), {**fields, "images": [upload]})


def by_check(program, person, staff, data, *, name="lesion.jpg", kind="image/jpeg"):
    upload = SimpleUploadedFile(name, data, kind)
    answer = person.post(reverse("submission-check-image"), {"clinic": staff.clinic.pk, "image": upload})
    answer.status_code = 400 if answer.json()["tone"] == "bad" else 200
    return answer


def by_fhir(program, person, staff, data, *, name="lesion.jpg", kind="image/jpeg"):
    facts = {"mrn": f"MRN-{uuid.uuid4().hex[:8]}", "consents_to_inference": True}
    patient = program.post("/api/v1/patients/", facts, content_type="application/json")
    content = {"contentType": kind, "title": name, "data": base64.b64encode(data).decode()}
    order = {
        "resourceType": "ServiceRequest",
        "identifier": [{"value": uuid.uuid4().hex}],
        "status": "active",
        "intent": "order",
        "bodySite": [{"text": "Arm"}],
        "subject": {"reference": f"Patient/{patient.json()['id']}"},
        "contained": [{"resourceType": "Media", "id": "m", "status": "completed", "content": content}],
    }
    return program.post("/fhir/r4/ServiceRequest", order, content_type="application/fhir+json")


DOORS = [by_form, by_json, by_page, by_check, by_fhir]
STORING = [by_form, by_json, by_page, by_fhir]


def list_files():
    return [path for name in ("sealed", "derived") for path in Path(storages[name].location).rglob("*.*")]


@pytest.mark.parametrize("door", DOORS)
def test_refused_and_nothing_kept(door, program, person, staff):
    """Whatever it calls itself: by its name and its type it is a photo each time."""
    wrong = []
    for what, data in REFUSED.items():
        answer = door(program, person, staff, data)
        if answer.status_code not in (400, 413, 422):
            wrong.append((what, answer.status_code))
    assert wrong == []
    assert not SubmissionImage.objects.exists()
    assert list_files() == []


@pytest.mark.parametrize("door", [by_form, by_page])
@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/x-php", "multipart/x", ""])
def test_stated_type_decides_nothing(door, program, person, staff, kind):
    assert door(program, person, staff, JPEG, name="evil.html", kind=kind).status_code in (202, 302)
    image = SubmissionImage.objects.get()
    assert image.format == "JPEG"
    check_media(person, program, image)


@pytest.mark.parametrize("door", STORING)
def test_what_is_served_is_rebuilt_from_pixels(door, program, person, staff):
    for data in CARRIERS.values():
        assert SCRIPT in data
        assert door(program, person, staff, data).status_code in (201, 202, 302)
    for image in SubmissionImage.objects.all():
        check_media(person, program, image)


def check_media(person, program, image):
    """Each address of this image: a picture by its type and its bytes, that no browser takes for a page."""
    answers = [
        person.get(reverse("image-derivative", args=[image.pk])),
        person.get(reverse("image-thumbnail", args=[image.pk])),
        program.get(reverse("api-image-derivative", args=[image.pk])),
        program.get(reverse("fhir-binary", args=[image.pk])),
    ]
    for answer in answers:
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
        assert f'filename="{image.pk}.jpg"' in answer["Content-Disposition"]
        body = answer.getvalue()
        assert body.startswith(b"\xff\xd8\xff")
        assert body.endswith(b"\xff\xd9")
        assert not any(sign in body for sign in SIGNS)


@pytest.mark.parametrize("door", STORING)
@pytest.mark.parametrize("name", NAMES)
def test_name_leads_nowhere(door, program, person, staff, name):
    """Files are named by our own ids; what the sender called theirs is a word to show."""
    try:
        answer = door(program, person, staff, JPEG, name=name)
    except ValueError:
        pytest.skip("this door's client can't send such a name")
    assert answer.status_code in (201, 202, 302, 400, 422)
    for path in list_files():
        stem, _, _ = path.name.partition(".")
        assert path.parent.parent in {Path(storages[store].location) for store in ("sealed", "derived")}
        assert uuid.UUID(stem.partition("-")[0])
    for image in SubmissionImage.objects.all():
        assert len(image.original_name) <= 255
        assert not set(image.original_name) & set("/\\\0\r\n"), image.original_name
        check_media(person, program, image)


def test_archive_of_a_patient_unpacks_beside_itself(program, person, staff):
    by_page(program, person, staff, JPEG, name="../../evil.jpg")
    image = SubmissionImage.objects.get()
    person.force_login(staff.administrator)
    address = reverse("patient-archive", args=[image.submission.lesion.patient_id])
    with zipfile.ZipFile(BytesIO(person.post(address).getvalue())) as archive:
        for entry in archive.namelist():
            assert not entry.startswith("/")
            assert ".." not in entry
            assert "\\" not in entry


class TestBodies:
    """Bombs of the body itself."""

    @pytest.mark.parametrize(
        "address", ["/api/v1/lesions/", "/api/v1/submissions/", "/fhir/r4/ServiceRequest"]
    )
    @pytest.mark.parametrize("opening", ["[", '{"a":'])
    def test_nested_json(self, program, address, opening):
        body = opening * 100_000
        closed = body + "1" + ("]" if opening == "[" else "}") * 100_000
        for sent in (body, closed):
            answer = program.post(address, sent, content_type="application/json")
            assert answer.status_code in (400, 413, 422)

    @pytest.mark.parametrize("number", ["1" * 5_000, "1e999999999", "-1e400", "NaN"])
    def test_long_numbers(self, program, number):
        body = f'{{"mrn": "A", "birth_date": {number}}}'
        answer = program.post("/api/v1/patients/", body, content_type="application/json")
        assert answer.status_code == 400

    def test_many_fields_and_files(self, program, person, staff):
        fields = {f"a{n}": "1" for n in range(5_000)}
        assert program.post("/api/v1/submissions/", fields).status_code in (400, 413)
        files = {f"f{n}": SimpleUploadedFile("a.jpg", b"x") for n in range(300)}
        fields = {"clinic": staff.clinic.pk, **files}
        assert person.post(reverse("submission-new"), fields).status_code == 413

    @pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
    def test_compressed_body(self, program, coding):
        """Bodies are not unpacked: a small one can't become a large one."""
        sent = {"content_type": "application/json", "headers": {"Content-Encoding": coding}}
        answer = program.post("/api/v1/patients/", b"\x1f\x8b" + bytes(200), **sent)
        assert answer.status_code in (400, 415)

    def test_base64_that_is_a_bomb_of_spaces(self, program, person, staff):
        body = {
            "patient_mrn": f"MRN-{uuid.uuid4().hex[:8]}",
            "body_site": "unspecified",
            "consents_to_inference": True,
        }
        body["images"] = [{"data": base64.b64encode(REFUSED["png bomb"]).decode() + " " * 1_000_000}]
        answer = program.post("/api/v1/submissions/", json.dumps(body), content_type="application/json")
        assert answer.status_code == 400
