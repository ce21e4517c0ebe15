import pytest

from tests.factories import service_account


@pytest.fixture
def administrator(client, clinics):
    """The administrator of the own clinic, logged in."""
    client.force_login(clinics.own.administrator)
    return clinics.own.administrator


@pytest.fixture
def service(clinics):
    return service_account(clinics.own.clinic)
