import pytest


@pytest.fixture
def person(client, clinics):
    """The clinician of the own clinic, logged in."""
    client.force_login(clinics.own.clinician)
    return clinics.own.clinician
