"""Export from the page and over the API."""

from io import BytesIO

import pydicom
import pytest
from django.urls import reverse
from knox.models import AuthToken
from rest_framework.test import APIClient

from tests.classifier.dicom.exporting import make_image
from tests.factories import staff_clinic

pytestmark = pytest.mark.django_db


def call_api(user, image, **query):
    _, text = AuthToken.objects.create(user=user)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client.get(f"/api/v1/images/{image.pk}/dicom/", query)


def test_over_the_api(staff):
    image = make_image(staff)
    response = call_api(staff.clinician, image, patient="identified")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/dicom"
    assert response["Content-Disposition"] == f'attachment; filename="{image.pk}.dcm"'
    assert response["Cache-Control"] == "private, no-store"
    assert pydicom.dcmread(BytesIO(response.content)).PatientID == "MRN-QUACK"
    refused = call_api(staff.administrator, image, patient="identified")
    assert refused.status_code == 403
    assert "pseudonym" in refused.json()["detail"]
    wrong = call_api(staff.clinician, image, patient="somehow")
    assert wrong.status_code == 400
    (error,) = wrong.json()["fields"]
    assert (error["code"], error["field"]) == ("naming_unknown", "patient")
    assert call_api(staff_clinic().clinician, image).status_code == 404


def test_from_the_page(staff, client):
    image = make_image(staff)
    client.force_login(staff.clinician)
    page = client.get(reverse("submission-detail", args=[image.submission_id])).content.decode()
    assert reverse("image-dicom", args=[image.pk]) in page
    assert "By record number" in page
    response = client.post(reverse("image-dicom", args=[image.pk]), {"patient": "identified"})
    assert response["Content-Disposition"] == f'attachment; filename="{image.pk}.dcm"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert pydicom.dcmread(BytesIO(response.content)).PatientID == "MRN-QUACK"
    back = client.post(reverse("image-dicom", args=[image.pk]), {"patient": "somehow"})
    assert back["Location"] == reverse("submission-detail", args=[image.submission_id])
    client.force_login(staff.administrator)
    page = client.get(reverse("submission-detail", args=[image.submission_id])).content.decode()
    assert "By pseudonym" in page
    assert "By record number" not in page
