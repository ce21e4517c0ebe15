import pytest
from django.test import Client

from tests.factories import active_model, two_clinics


@pytest.fixture
def side(db):
    active_model()
    return two_clinics()


@pytest.fixture
def log_in():
    def as_person(person):
        client = Client()
        client.force_login(person)
        return client

    return as_person
