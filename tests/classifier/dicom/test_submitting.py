"""A DICOM photograph through the page and the API, to the sealed file and the worker's pixels."""

import base64
from io import BytesIO

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from knox.models import AuthToken
from PIL import Image
from rest_framework.test import APIClient

from classifier.engine.decode import Unusable, start_decoding
from classifier.models import SubmissionImage
from classifier.pages.forms.submission import ACCEPT
from portal.trust.audit.models import AuditEvent
from tests.classifier.dicom.samples import build_dicom
from tests.classifier.intake.samples import draw_picture
from tests.factories import LesionFactory, active_model, staff_clinic

pytestmark = pytest.mark.django_db

NAME = b"Quackenbush"


@pytest.fixture
def staff():
    active_model()
    return staff_clinic()


def upload(**changes):
    return SimpleUploadedFile("photo.dcm", build_dicom(draw_picture(), **changes), "application/dicom")


def read(file):
    with file.open("rb") as stream:
        return stream.read()


def check_silence(image, log):
    """The name that the header held stands in no column, no event and no line of the log."""
    columns = {field.name: str(getattr(image, field.name)) for field in image._meta.concrete_fields}
    events = [event.details for event in AuditEvent.objects.all()]
    for words in (str(columns), str(events), log):
        assert NAME.decode() not in words


def check_kept(image):
    assert (image.format, image.width, image.height) == ("DICOM", 300, 260)
    sealed = read(image.original)
    assert sealed[128:132] == b"DICM"
    for kept in (sealed, read(image.derivative), read(image.thumbnail)):
        assert NAME not in kept
    # The worker reads the sealed file, and finds the very picture.
    (decoding,) = start_decoding(list(image.predictions.select_related("image", "model_version")))
    found = decoding.result().found
    assert not isinstance(found, Unusable)
    assert Image.open(BytesIO(read(image.derivative))).size == (300, 260)


def test_by_the_page(staff, client, caplog):
    lesion = LesionFactory(clinic=staff.clinic)
    client.force_login(staff.clinician)
    page = client.get(reverse("submission-new")).content.decode()
    assert ".dcm" in ACCEPT
    assert f'accept="{ACCEPT}"' in page
    assert "HEIC or DICOM" in page
    response = client.post(
        reverse("submission-new"),
        {
            "clinic": staff.clinic.pk,
            "request_key": "0c1c6a52-3a3f-4f8c-8f57-3f1f9a1c2b70",
            "patient": lesion.patient_id,
            "lesion": lesion.pk,
            "capture_kind": "dermoscopic",
            "priority": "routine",
            "images": [upload()],
        },
    )
    assert response.status_code == 302, response.content.decode()[-3000:]
    image = SubmissionImage.objects.get()
    check_kept(image)
    check_silence(image, caplog.text)


def test_by_the_api(staff, caplog):
    lesion = LesionFactory(clinic=staff.clinic)
    _, text = AuthToken.objects.create(user=staff.integration)
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    address = reverse("api-submissions")
    response = api.post(address, {"lesion": lesion.pk, "images": [upload()]}, format="multipart")
    assert response.status_code == 202, response.content
    image = SubmissionImage.objects.get()
    check_kept(image)
    check_silence(image, caplog.text)
    refused = api.post(
        address, {"lesion": lesion.pk, "images": [upload(BurnedInAnnotation="YES")]}, format="multipart"
    )
    (error,) = refused.json()["fields"]
    assert (refused.status_code, error["code"], error["field"]) == (400, "burned_in", "images.0")
    assert NAME not in refused.content


def test_the_check_before_sending_shows_a_picture_and_what_the_header_says(staff, client):
    client.force_login(staff.clinician)
    response = client.post(
        reverse("submission-check-image"),
        {"clinic": staff.clinic.pk, "image": upload(ImageLaterality="R", AcquisitionDate="20250303")},
    )
    answer = response.json()
    assert answer["tone"] == "good"
    assert answer["lines"] == [
        "It can be read and is large enough.",
        "The file's header says: right, taken on 3 March 2025. It fills in nothing.",
    ]
    shown = Image.open(BytesIO(base64.b64decode(answer["thumbnail"])))
    assert shown.size == (256, 222)
    assert np.asarray(shown).std() > 10
    refused = client.post(
        reverse("submission-check-image"),
        {"clinic": staff.clinic.pk, "image": upload(SOPClassUID="1.2.840.10008.5.1.4.1.1.2")},
    ).json()
    assert refused["tone"] == "bad"
    assert "CT Image" in refused["lines"][0]
    assert NAME.decode() not in str(refused)
