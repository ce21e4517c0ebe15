from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage

from classifier import tasks
from classifier.models import SubmissionImage
from tests.factories import Staff, active_model, staff_clinic


@pytest.fixture
def staff(db) -> Staff:
    return staff_clinic()


@pytest.fixture
def model(db):
    return active_model()


@pytest.fixture(autouse=True)
def wake_ups(monkeypatch) -> list[int]:
    """Wake-ups that would have been sent."""
    sent: list[int] = []
    monkeypatch.setattr(tasks.run_predictions_task, "apply_async", lambda **_: sent.append(1))
    return sent


@pytest.fixture(autouse=True)
def stores(monkeypatch, tmp_path: Path) -> Path:
    """Image stores of this test alone. The fields hold theirs since the models were loaded."""
    for name, store in (("original", "sealed"), ("derivative", "derived"), ("thumbnail", "derived")):
        field = SubmissionImage._meta.get_field(name)
        monkeypatch.setattr(field, "storage", FileSystemStorage(location=tmp_path / store))
    return tmp_path
