"""Every door by which a case comes in, asked for the same thing in its own language."""

from __future__ import annotations

import base64
import datetime as dt
import html
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from rest_framework.test import APIClient

from classifier.client import ApiError, Client, ImageFile, RetryPolicy
from classifier.models import Lesion, Patient, Submission
from tests.classifier.fhir import orders
from tests.factories import Staff, draw_jpeg
from tests.support.by_token import call_by_token

MRN, BORN = "MRN-DOOR-1", dt.date(1961, 2, 3)
SKIN_TYPE = "urn:dermaport:extension:fitzpatrick-skin-type"


@dataclass(frozen=True)
class Asked:
    """One case; what a door can't say it leaves out."""

    mrn: str = MRN
    birth_date: dt.date | None = BORN
    sex: str = "female"
    skin_type: str = ""
    agrees: bool | None = True
    patient: Patient | None = None
    lesion: Lesion | None = None
    pictures: tuple[bytes, ...] = field(default_factory=lambda: (draw_jpeg(1),), repr=False)
    question: str = "Excise?"
    site: str = ""
    """Of a known lesion nothing is told unless it stands here; a new one is of the shoulder."""
    side: str = ""
    note: str = ""
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    def but(self, **changes: Any) -> Asked:
        return replace(self, **changes)


@dataclass(frozen=True)
class Answer:
    """The case where one was taken; else what people or programs are told."""

    case: Submission | None
    words: str
    notices: str = ""


def by_page(staff: Staff, asked: Asked) -> Answer:
    """A person finds the patient first, and creates one only where there is none: `patient` says which."""
    browser = Browser()
    browser.force_login(staff.clinician)
    born = asked.birth_date.isoformat() if asked.birth_date else ""
    consent = {} if asked.agrees is None else {"consents_to_inference": "on" if asked.agrees else "off"}
    pictures = [SimpleUploadedFile(f"{number}.jpg", data) for number, data in enumerate(asked.pictures)]
    response = browser.post(
        "/submissions/new/",
        {
            "clinic": str(staff.clinic.pk),
            "request_key": asked.key,
            "patient": str(asked.patient.pk) if asked.patient else "new",
            "lesion": str(asked.lesion.pk) if asked.lesion else "new",
            "images": pictures,
            "capture_kind": "dermoscopic",
            "clinical_question": asked.question,
            "priority": "routine",
            "mrn": asked.mrn,
            "birth_date": born,
            "sex": asked.sex,
            "skin_type": asked.skin_type,
            "body_site": name_site(asked) or ("" if asked.patient else "upper_extremity_shoulder"),
            "laterality": asked.side or "unspecified",
            "note": asked.note,
            **consent,
        },
    )
    if response.status_code == 302:
        case = Submission.objects.get(pk=response["Location"].strip("/").rpartition("/")[2])
        return Answer(case, "", " ".join(map(str, get_messages(response.wsgi_request))))
    return Answer(None, html.unescape(response.content.decode()))


def name_site(asked: Asked) -> str | None:
    return asked.site or (None if asked.lesion else "upper_extremity_shoulder")


def describe(asked: Asked) -> dict[str, Any]:
    """The fields of the REST API."""
    fields = {
        "patient": str(asked.patient.pk) if asked.patient else None,
        "patient_mrn": asked.mrn or None,
        "birth_date": asked.birth_date,
        "sex": asked.sex or None,
        "skin_type": asked.skin_type or None,
        "consents_to_inference": asked.agrees,
        "lesion": str(asked.lesion.pk) if asked.lesion else None,
        "body_site": name_site(asked),
        "laterality": asked.side or None,
        "clinical_question": asked.question,
        "note": asked.note or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def by_form(staff: Staff, asked: Asked) -> Answer:
    pictures = [SimpleUploadedFile(f"{number}.jpg", data) for number, data in enumerate(asked.pictures)]
    return _read_rest(_call(staff, asked, {**describe(asked), "images": pictures}, "multipart"))


def by_json(staff: Staff, asked: Asked) -> Answer:
    pictures = [{"data": base64.b64encode(data).decode()} for data in asked.pictures]
    return _read_rest(_call(staff, asked, {**describe(asked), "images": pictures}, "json"))


def _call(staff: Staff, asked: Asked, data: dict[str, Any], kind: str) -> Any:
    caller: APIClient = call_by_token(staff.integration)
    headers = {"HTTP_IDEMPOTENCY_KEY": asked.key}
    return caller.post("/api/v1/submissions/", data, format=kind, **headers)


def _read_rest(response: Any) -> Answer:
    body = response.json()
    if response.status_code == 202:
        notices = " ".join(notice["detail"] for notice in body["notices"])
        return Answer(Submission.objects.get(pk=body["id"]), "", notices)
    return Answer(None, " ".join([body["detail"], *(one["detail"] for one in body["fields"])]))


def by_fhir(staff: Staff, asked: Asked) -> Answer:
    """An order names a patient by id, or describes one; then a known lesion can't be theirs."""
    subject = f"Patient/{asked.patient.pk}" if asked.patient else orders.PATIENT
    extension = [] if asked.agrees is None else [orders.consent(asked.agrees)]
    request = orders.service_request(
        subject,
        identifier=[{"system": orders.ORDER_SYSTEM, "value": asked.key}],
        reasonCode=[{"text": asked.question}],
        extension=extension,
    )
    parts = [orders.media(subject=subject, data=data) for data in asked.pictures]
    if asked.lesion:
        request["supportingInfo"] = [{"reference": f"BodyStructure/{asked.lesion.pk}"}]
        request["bodySite"] = _describe_site(asked)
    else:
        parts.insert(0, orders.body_structure(subject, description=asked.note))
    if not asked.patient:
        whose = orders.patient(
            staff.clinic,
            identifier=[{"system": orders.mrn_system(staff.clinic), "value": asked.mrn}],
            gender=asked.sex,
            extension=[{"url": SKIN_TYPE, "valueCode": asked.skin_type}] if asked.skin_type else [],
        )
        born = {"birthDate": asked.birth_date.isoformat()} if asked.birth_date else {}
        parts.insert(0, {name: value for name, value in whose.items() if name != "birthDate"} | born)
    names = {"Patient": orders.PATIENT, "ServiceRequest": orders.REQUEST, "BodyStructure": orders.LESION}
    bundle = orders.transaction(
        *(orders.entry(part, names.get(part["resourceType"], "")) for part in [*parts, request])
    )
    response = call_by_token(staff.integration).generic(
        "POST", "/fhir/r4", json.dumps(bundle), content_type="application/fhir+json"
    )
    entries = [entry["response"] for entry in response.json().get("entry", [])]
    if response.status_code == 200:
        place = next(one["location"] for one in entries if "/ServiceRequest/" in one["location"])
        told = [issue for one in entries for issue in one.get("outcome", {}).get("issue", [])]
        notices = " ".join(issue["details"]["text"] for issue in told)
        return Answer(Submission.objects.get(pk=place.rpartition("/")[2]), "", notices)
    return Answer(None, " ".join(issue["details"]["text"] for issue in response.json()["issue"]))


def _describe_site(asked: Asked) -> list[dict[str, Any]]:
    """Of FHIR: codes of a known lesion's place, or words."""
    codes = {"urn:dermaport:code:body-site": asked.site, "urn:dermaport:code:laterality": asked.side}
    coding = [{"system": system, "code": code} for system, code in codes.items() if code]
    if coding and not asked.site:
        coding.append({"system": "urn:dermaport:code:body-site", "code": "unspecified"})
    return [{"coding": coding, "text": asked.note}] if coding or asked.note else []


def by_client(staff: Staff, asked: Asked) -> Answer:
    """The client that the command line uses, its requests answered in this process."""
    token = call_by_token(staff.integration)._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    policy = RetryPolicy(patience=0.0, first=0.01, longest=0.01)
    images = [ImageFile(name=f"{number}.jpg", data=data) for number, data in enumerate(asked.pictures)]
    with Client("http://127.0.0.1", token, retries=policy, transport=httpx.MockTransport(_answer)) as client:
        try:
            accepted = client.submissions.create(images, **describe(asked), key=asked.key)
        except ApiError as error:
            return Answer(None, " ".join([error.detail, *(one.detail for one in error.fields)]))
    notices = " ".join(notice.detail for notice in accepted.notices)
    return Answer(Submission.objects.get(pk=accepted.id), "", notices)


def _answer(request: httpx.Request) -> httpx.Response:
    content_type = request.headers.get("Content-Type", "")
    names = ("Authorization", "Idempotency-Key", "Accept")
    headers = {name: request.headers[name] for name in names if name in request.headers}
    address = request.url.raw_path.decode()
    answer = Browser().generic(request.method, address, request.read(), content_type, headers=headers)
    return httpx.Response(answer.status_code, headers=dict(answer.items()), content=answer.content)


Door = Callable[[Staff, Asked], Answer]
PROGRAMS: dict[str, Door] = {"form": by_form, "json": by_json, "fhir": by_fhir, "client": by_client}
DOORS: dict[str, Door] = {"page": by_page, **PROGRAMS}
