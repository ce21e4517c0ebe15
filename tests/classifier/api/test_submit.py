"""Submitting over HTTP: what it makes, what it finds again, and what an error leaves (nothing)."""

import uuid

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from classifier.models import Lesion, Patient, Prediction, Submission, SubmissionImage
from portal.trust.audit.models import AuditEvent
from tests.classifier.api.conftest import ROOT, codes, form, jpeg
from tests.factories import LesionFactory, MembershipFactory, PatientFactory

SUBMISSIONS = f"{ROOT}/submissions/"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model", "stores")]


@pytest.fixture
def client(api, side) -> APIClient:
    return api(side.own.integration)


def send(client, **changes):
    headers = {"HTTP_IDEMPOTENCY_KEY": changes.pop("key")} if "key" in changes else {}
    return client.post(SUBMISSIONS, form(**changes), format="multipart", **headers)


def count_rows():
    rows = [m.objects.count() for m in (Patient, Lesion, Submission, SubmissionImage, Prediction)]
    # That it was refused is kept; nothing else is.
    told = AuditEvent.objects.exclude(action__in=["access.refused", "request.failed"])
    return [*rows, told.count()]


def test_new_patient_new_lesion_two_images(client, side):
    response = send(
        client, images=[jpeg(1), jpeg(2)], priority="urgent", clinical_history="Grew.", note="By scar"
    )
    body = response.json()
    assert response.status_code == 202
    submission = Submission.objects.get(pk=body["id"])
    assert response["Location"] == body["url"] == f"http://testserver{SUBMISSIONS}{submission.pk}/"
    assert body["status_url"] == f"{body['url']}status/"
    assert body["state"] == "in_work"
    assert (body["patient"], body["lesion"]) == (str(submission.lesion.patient_id), str(submission.lesion_id))

    patient = submission.lesion.patient
    assert (patient.clinic, patient.mrn, str(patient.birth_date)) == (
        side.own.clinic,
        "MRN-API-1",
        "1961-02-03",
    )
    assert (patient.sex, patient.skin_type) == ("female", "II")
    assert submission.lesion.body_site == "trunk_posterior_trunk_upper_back"
    assert (submission.lesion.laterality, submission.lesion.note) == ("left", "By scar")
    assert (submission.priority, submission.source) == ("urgent", "api")
    assert (submission.clinical_question, submission.clinical_history) == ("Is excision advised?", "Grew.")
    assert submission.submitted_by == side.own.integration
    assert [image.original_name for image in submission.images.all()] == ["lesion.jpg"] * 2
    assert Prediction.objects.filter(image__submission=submission, state="queued").count() == 2
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"patient.created", "lesion.created", "submission.created"} <= actions


def test_known_record_number_is_the_same_patient(client, side):
    patient = PatientFactory(clinic=side.own.clinic, mrn="MRN API 1")
    PatientFactory(clinic=side.other.clinic, mrn="MRN API 1")
    response = send(client, patient_mrn=" MRN  API 1 ", birth_date=None)
    assert response.json()["patient"] == str(patient.pk)


def test_another_birth_date_stops_a_mix_up(client, side):
    PatientFactory(clinic=side.own.clinic, mrn="MRN-API-1")
    response = send(client, birth_date="1999-12-31")
    assert response.status_code == 400
    assert codes(response) == [("birth_date_mismatch", "birth_date")]
    assert "1970-05-17" not in response.content.decode()


def test_known_patient_and_known_lesion(client, side):
    lesion = LesionFactory(patient__clinic=side.own.clinic)
    bare = {"patient_mrn": None, "birth_date": None, "body_site": None, "laterality": None}
    by_lesion = send(client, lesion=lesion.pk, **bare)
    by_patient = send(client, **{**bare, "patient": lesion.patient_id, "body_site": "unspecified"})
    assert by_lesion.json()["lesion"] == str(lesion.pk)
    assert by_patient.json()["patient"] == str(lesion.patient_id)
    assert by_patient.json()["lesion"] != str(lesion.pk)


def test_rows_of_the_other_clinic_do_not_exist(client, side):
    lesion = LesionFactory(patient__clinic=side.other.clinic)
    for name, value in (
        ("lesion", lesion.pk),
        ("patient", lesion.patient_id),
        ("clinic", side.other.clinic.pk),
    ):
        response = send(client, **{name: value})
        assert response.status_code == 400
        assert codes(response) == [("does_not_exist", name)]
        unknown = send(client, **{name: uuid.uuid4()})
        assert codes(unknown) == codes(response)


def test_what_does_not_fit_together_is_refused(client, side):
    lesion = LesionFactory(patient__clinic=side.own.clinic)
    stranger = PatientFactory(clinic=side.own.clinic)
    assert codes(send(client, lesion=lesion.pk, patient=stranger.pk)) == [("lesion_mismatch", "lesion")]
    assert codes(send(client, lesion=lesion.pk)) == [("mrn_mismatch", "patient_mrn")]
    MembershipFactory(user=side.own.integration, clinic=side.other.clinic, role="integration")
    both = {"lesion": lesion.pk, "clinic": side.other.clinic.pk, "patient_mrn": None}
    assert codes(send(client, **both)) == [("clinic_mismatch", "clinic")]


def test_person_in_two_clinics_names_one(client, side):
    MembershipFactory(user=side.own.integration, clinic=side.other.clinic, role="integration")
    assert codes(send(client)) == [("clinic_missing", "clinic")]
    response = send(client, clinic=side.other.clinic.pk)
    assert Submission.objects.get(pk=response.json()["id"]).clinic == side.other.clinic


def test_role_counts_in_the_clinic_of_the_case(client, side):
    """A person who may submit in one clinic and only administers another."""
    MembershipFactory(user=side.own.integration, clinic=side.other.clinic, role="administrator")
    before = count_rows()
    assert send(client, clinic=side.other.clinic.pk).status_code == 403
    assert count_rows() == before


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"patient_mrn": None}, [("required", "patient")]),
        ({"body_site": None}, [("required", "body_site")]),
        ({"images": None}, [("required", "images")]),
        ({"images": ["text"]}, [("invalid", "images.0")]),
        ({"sex": "lady"}, [("invalid_choice", "sex")]),
        ({"body_site": "left ear"}, [("invalid_choice", "body_site")]),
        ({"priority": "now"}, [("invalid_choice", "priority")]),
        ({"birth_date": "03/02/1961"}, [("invalid", "birth_date")]),
        ({"birth_date": "2999-01-01"}, [("birth_date_impossible", "birth_date")]),
        ({"patient_mrn": "M" * 65}, [("mrn_too_long", "patient_mrn")]),
        ({"note": "n" * 121}, [("note_too_long", "note")]),
        ({"clinical_question": "q" * 501}, [("clinical_question_too_long", "clinical_question")]),
        ({"clinical_history": "h" * 4001}, [("clinical_history_too_long", "clinical_history")]),
        ({"lesion": "not-an-id"}, [("invalid", "lesion")]),
        ({"patient_mrn": "a\x00b"}, [("null_characters_not_allowed", "patient_mrn")]),
        ({"images": [jpeg(n) for n in range(11)]}, [("too_many_images", "images")]),
        ({"images": [jpeg(n) for n in range(21)]}, [("too_many_files", None)]),
        ({"key": "k" * 129}, [("idempotency_key_length", "Idempotency-Key")]),
    ],
    ids=str,
)
def test_bad_input_is_named_and_leaves_nothing(client, stores, changes, expected):
    before = count_rows()
    response = send(client, **changes)
    assert response.status_code == 400, response.content
    assert codes(response) == expected
    assert count_rows() == before
    assert not [path for path in stores.rglob("*") if path.is_file()]


def test_every_bad_image_is_named_with_limit_and_what_was_received(client, stores, settings):
    settings.DERMAPORT_UPLOAD_MAX_BYTES = 200_000
    files = [
        jpeg(1),
        SimpleUploadedFile("empty.jpg", b""),
        SimpleUploadedFile("page.jpg", b"<html>no image</html>"),
        jpeg(2, size=100),
        SimpleUploadedFile("large.jpg", b"x" * 200_001),
    ]
    before = count_rows()
    response = send(client, images=files)
    assert response.status_code == 400
    attrs = {attr: code for code, attr in codes(response)}
    assert attrs["images.1"] == "empty_file"
    assert attrs["images.3"] == "too_small"
    assert attrs["images.4"] == "file_too_large"
    assert set(attrs) == {"images.1", "images.2", "images.3", "images.4"}
    words = {error["field"]: error["detail"] for error in response.json()["fields"]}
    assert "100×100" in words["images.3"]
    assert "224×224" in words["images.3"]
    assert "195.4 KB" in words["images.4"]
    assert count_rows() == before


def test_without_an_active_model_nothing_is_kept(client, model, stores):
    type(model).objects.update(lifecycle="retired")
    before = count_rows()
    response = send(client)
    assert response.status_code == 503
    assert codes(response) == [("no_active_model", None)]
    assert int(response["Retry-After"]) > 0
    assert count_rows() == before


def test_disk_that_fills_half_way_leaves_no_patient_no_lesion_no_file(client, stores, monkeypatch):
    save, calls = FileSystemStorage.save, []

    def fill(self, name, content, max_length=None):
        calls.append(name)
        if len(calls) == 5:
            raise OSError(28, "No space left on device")
        return save(self, name, content, max_length)

    monkeypatch.setattr(FileSystemStorage, "save", fill)
    before = count_rows()
    response = send(client, images=[jpeg(1), jpeg(2)])
    assert response.status_code == 503
    assert codes(response) == [("storage_unavailable", None)]
    assert count_rows() == before
    assert not [path for path in stores.rglob("*") if path.is_file()]


def test_bug_in_the_middle_leaves_nothing_either(client, stores, monkeypatch):
    def fail(**_):
        raise RuntimeError

    monkeypatch.setattr("classifier.intake.submission.queue_predictions", fail)
    client.raise_request_exception = False
    before = count_rows()
    assert send(client).status_code == 500
    assert count_rows() == before
    assert not [path for path in stores.rglob("*") if path.is_file()]


def test_same_picture_and_wrong_file_name_are_pointed_out(client):
    first = send(client).json()
    assert "same_picture" not in [notice["code"] for notice in first["notices"]]
    notices = send(client, images=[jpeg(5), jpeg(0, name="lesion.png")]).json()["notices"]
    found = {(notice["attr"], notice["code"]) for notice in notices}
    assert ("images.1", "same_picture") in found
    assert ("images.1", "extension_mismatch") in found
    assert ("images.0", "same_picture") not in found
    assert any(first["id"] in notice["detail"] for notice in notices)


def test_same_picture_in_the_other_clinic_is_not_told(client, side, api):
    send(api(side.other.integration))
    assert "same_picture" not in [notice["code"] for notice in send(client).json()["notices"]]


def test_patient_without_consent_is_refused(client, side):
    PatientFactory(clinic=side.own.clinic, mrn="MRN-API-1", birth_date=None, consents_to_inference=False)
    assert codes(send(client)) == [("consent_missing", "patient")]


def test_browser_session_needs_the_csrf_token(side):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(side.own.clinician)
    assert send(client).status_code == 403
    client.get("/accounts/password/change/")
    client.credentials(HTTP_X_CSRFTOKEN=client.cookies["csrftoken"].value)
    assert send(client).status_code == 202
