import pytest
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
