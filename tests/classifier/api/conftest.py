from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from portal.trust.accounts.models import User
from tests.factories import TwoClinics, active_model, draw_jpeg, two_clinics
from tests.support.by_token import call_by_token

ROOT = "/api/v1"


@pytest.fixture
def side(db) -> TwoClinics:
    return two_clinics()


@pytest.fixture
def api() -> Callable[[User], APIClient]:
    return call_by_token


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
        "consents_to_inference": True,
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
