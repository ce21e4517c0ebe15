"""No word of a patient leaves by what the API writes, keeps or logs."""

import pytest

from classifier.models import IdempotentRequest, Outcome, RequestCount
from tests.factories import LesionFactory, PatientFactory, answered_submission
from tests.privacy.conftest import HISTORY, MRN, NAME, NOTE, Watch, find_canaries
from tests.privacy.test_words import read_trail

pytestmark = pytest.mark.django_db
FINDING = {
    "diagnosis": "naevus",
    "procedure": "excision",
    "specimen_taken_on": "2026-03-02",
    "reported_on": "2026-03-09",
    "comment": HISTORY,
}


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
    assert find_canaries(read_trail()) == []
    for model in (IdempotentRequest, RequestCount):
        assert model.objects.exists()
        assert find_canaries(repr(list(model.objects.values()))) == []


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
    assert find_canaries(read_trail()) == []


def test_lists_keep_no_slip_of_a_parameter(send, side, watch: Watch) -> None:
    answered_submission(side.own)
    for path in ("predictions/", "reviews/", "outcomes/"):
        refused = send("get", path, {MRN: HISTORY})
        assert refused.status_code == 400
        assert find_canaries(refused.content.decode()) == []
    assert watch.leaks() == {}
