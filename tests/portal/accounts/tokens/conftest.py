import pytest

from tests.factories import two_clinics


@pytest.fixture
def clinics():
    return two_clinics()


@pytest.fixture
def person(client, clinics):
    """The clinician of the own clinic, logged in."""
    client.force_login(clinics.own.clinician)
    return clinics.own.clinician
