from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from tests.factories import Staff, active_model, staff_clinic
from tests.support.lock_order import LockOrder, watch_locks


@pytest.fixture
def staff(db) -> Staff:
    return staff_clinic()


@pytest.fixture
def model(db):
    return active_model()


@pytest.fixture(autouse=True)
def own_stores(stores: Path) -> Path:
    return stores


@pytest.fixture
def log_in():
    """`log_in(user)` gives a client with that person's session."""

    def open_session(user) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return open_session


@pytest.fixture(autouse=True)
def lock_order(monkeypatch) -> Iterator[LockOrder]:
    """Every act that these tests drive takes the audit chain last."""
    with watch_locks(monkeypatch) as spy:
        yield spy
    assert spy.faults == []
