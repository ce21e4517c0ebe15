import pytest
from django.core.files.storage import storages
from django.test import Client

from tests.factories import ModelVersionFactory, Staff, TwoClinics, staff_clinic, two_clinics


@pytest.fixture
def side(db) -> TwoClinics:
    return two_clinics()


@pytest.fixture
def staff(db) -> Staff:
    return staff_clinic()


@pytest.fixture
def active_model(db):
    return ModelVersionFactory(active=True)


@pytest.fixture
def log_in():
    """`log_in(user)` gives a client with that person's session."""

    def open_session(user) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return open_session


@pytest.fixture
def stored_names():
    """Every file in the sealed and derived stores."""

    def list_all() -> set[str]:
        names = set()
        for alias in ("sealed", "derived"):
            root = storages[alias]
            if not root.exists(""):
                continue
            for folder in root.listdir("")[0]:
                names.update(f"{alias}/{folder}/{name}" for name in root.listdir(folder)[1])
        return names

    return list_all
