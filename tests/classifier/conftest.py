"""Fixtures that several kinds of the product's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Image stores of this test alone. The fields hold theirs since the models were loaded."""
    from classifier.models import SubmissionImage

    for name, store in (("original", "sealed"), ("derivative", "derived"), ("thumbnail", "derived")):
        field = SubmissionImage._meta.get_field(name)
        monkeypatch.setattr(field, "storage", FileSystemStorage(location=tmp_path / store))
    return tmp_path
