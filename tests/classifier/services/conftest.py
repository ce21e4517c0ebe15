from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import Staff, active_model, staff_clinic


@pytest.fixture
def staff(db) -> Staff:
    return staff_clinic()


@pytest.fixture
def model(db):
    return active_model()


@pytest.fixture(autouse=True)
def own_stores(stores: Path) -> Path:
    return stores
