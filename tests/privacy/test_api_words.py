"""No word of a patient leaves by what the API writes, keeps or logs."""

import io
import zipfile

import pytest
from django.test import Client
from knox.models import AuthToken

from classifier.models import IdempotentRequest, Outcome, Patient, RequestCount
from tests.factories import LesionFactory, PatientFactory, answered_submission
from tests.privacy.conftest import HISTORY, MRN, NAME, NOTE, Watch, find_canaries
from tests.privacy.test_words import read_audit_log

pytestmark = pytest.mark.django_db
FINDING = {
    "diagnosis": "naevus",
    "procedure": "excision",
    "specimen_taken_on": "2026-03-02",
    "reported_on": "2026-03-09",
    "comment": HISTORY,
}


def bearer(person) -> dict[str, str]:
    return {"Authorization": f"Bearer {AuthToken.objects.create(user=person)[1]}"}


@pytest.fixture
def send(api, watch: Watch):
    def call(method: str, path: str, data: dict, **headers):
        return watch.note(
            getattr(api, method)(
                f"/api/v1/{path}", data, content_type="application/json", headers=headers or None
            )
        )

    return call


def test_what_is_written_and_kept(send, side, watch: Watch) -> None:
    key = {"Idempotency-Key": f"{NAME} {MRN}"}
    made = send("post", "patients/", {"mrn": MRN}, **key)
    assert made.status_code == 201
    assert send("post", "patients/", {"mrn": MRN}, **key).json() == made.json()
    patient = made.json()["id"]
    lesion = send("post", "lesions/", {"patient": patient, "body_site": "unspecified", "note": NOTE}).json()
    assert send("patch", f"lesions/{lesion['id']}/", {"note": f"{NOTE} again"}).status_code == 200
    outcome = send("post", "outcomes/", {"lesion": lesion["id"], **FINDING})
    assert outcome.status_code == 201
    assert Outcome.objects.get().comment == HISTORY
    assert watch.leaks() == {}
    assert find_canaries(read_audit_log()) == []
    for model in (IdempotentRequest, RequestCount):
        assert model.objects.exists()
        assert find_canaries(repr(list(model.objects.values()))) == []


def test_consent_archive_and_erasure(send, side, watch: Watch) -> None:
    case = answered_submission(side.own)
    patient = case.lesion.patient
    Patient.objects.filter(pk=patient.pk).update(mrn=MRN)
    address = f"patients/{patient.pk}"
    key = {"Idempotency-Key": f"{NAME} {MRN}"}
    for slip in ({"purpose": HISTORY, "is_given": True}, {"purpose": "teaching", "is_given": NAME}):
        assert send("post", f"{address}/consents/", slip).status_code == 400
    said = send("post", f"{address}/consents/", {"purpose": "teaching", "is_given": True}, **key)
    assert said.status_code == 200
    administrator = Client(headers=bearer(side.own.administrator))
    archive = watch.note(administrator.get(f"/api/v1/{address}/archive/"))
    taken = zipfile.ZipFile(io.BytesIO(archive.getvalue()))
    assert MRN in taken.read("patient.json").decode()
    assert find_canaries("\n".join(taken.namelist())) == []
    for asked in ({"reason": HISTORY, "public_id": NAME}, {"reason": "other", "public_id": MRN[:12]}):
        wrong = administrator.post(f"/api/v1/{address}/erase/", asked, content_type="application/json")
        assert watch.note(wrong).status_code == 400
    asked = {"reason": "request", "public_id": patient.public_id}
    gone = administrator.post(f"/api/v1/{address}/erase/", asked, content_type="application/json")
    assert watch.note(gone).status_code == 200
    assert find_canaries(gone.content.decode()) == []
    assert watch.leaks() == {}
    assert find_canaries(read_audit_log()) == []
    assert find_canaries(repr(list(IdempotentRequest.objects.values()))) == []


def test_what_is_refused(send, side, watch: Watch) -> None:
    patient = PatientFactory(clinic=side.own.clinic)
    lesion = LesionFactory(patient=patient)
    for method, path, data in (
        ("post", "patients/", {"mrn": MRN * 9}),
        ("post", "patients/", {"mrn": patient.mrn, NAME: HISTORY}),
        ("patch", f"patients/{patient.pk}/", {"sex": NAME}),
        ("post", "lesions/", {"patient": NAME, "body_site": NOTE}),
        ("post", "outcomes/", {"lesion": str(lesion.pk), **FINDING, "diagnosis": HISTORY}),
    ):
        assert send(method, path, data).status_code == 400, (path, data)
    assert watch.leaks() == {}
    assert find_canaries(read_audit_log()) == []


def test_lists_keep_no_slip_of_a_parameter(send, side, watch: Watch) -> None:
    answered_submission(side.own)
    for path in ("predictions/", "reviews/", "outcomes/"):
        refused = send("get", path, {MRN: HISTORY})
        assert refused.status_code == 400
        assert find_canaries(refused.content.decode()) == []
    assert watch.leaks() == {}
