from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from knox.models import AuthToken
from rest_framework.test import APIClient

from classifier.models import SubmissionImage
from portal.accounts.models import User
from tests.factories import TwoClinics, active_model, draw_jpeg, two_clinics

ROOT = "/api/v1"


@pytest.fixture
def side(db) -> TwoClinics:
    return two_clinics()


@pytest.fixture
def api() -> Callable[[User], APIClient]:
    """A client that calls with a token of this person."""

    def make(user: User) -> APIClient:
        _, text = AuthToken.objects.create(user=user)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        return client

    return make


@pytest.fixture
def stores(monkeypatch, tmp_path: Path) -> Path:
    """Image stores of this test alone. The fields hold theirs since the models were loaded."""
    for name, store in (("original", "sealed"), ("derivative", "derived"), ("thumbnail", "derived")):
        field = SubmissionImage._meta.get_field(name)
        monkeypatch.setattr(field, "storage", FileSystemStorage(location=tmp_path / store))
    return tmp_path


@pytest.fixture
def model(db):
    return active_model()


def jpeg(seed: int = 0, name: str = "lesion.jpg", size: int = 224) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, draw_jpeg(seed, size), "image/jpeg")


def form(**changes) -> dict:
    """A complete submission of a new patient; None leaves a field out."""
    fields = {
        "patient_mrn": "MRN-API-1",
        "birth_date": "1961-02-03",
        "sex": "female",
        "skin_type": "II",
        "body_site": "trunk_posterior_trunk_upper_back",
        "laterality": "left",
        "images": [jpeg()],
        "clinical_question": "Is excision advised?",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def codes(response) -> list[tuple[str, str | None]]:
    """(code, field) of every error in an answer; the field is None where it is about the whole."""
    problem = response.json()
    assert response["Content-Type"] == "application/problem+json"
    return [(one["code"], one["field"]) for one in problem["fields"]] or [(problem["code"], None)]
