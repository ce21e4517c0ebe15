import pytest

from tests.factories import service_account
from tests.support.oauth import agree, redeem, register


@pytest.fixture
def person(client, clinics):
    """The clinician of the own clinic, logged in."""
    client.force_login(clinics.own.clinician)
    return clinics.own.clinician


@pytest.fixture
def website(clinics):
    """A confidential client of the own clinic, and its secret."""
    return register(clinics.own)


@pytest.fixture
def service(clinics):
    return service_account(clinics.own.clinic)


@pytest.fixture
def system(clinics, service):
    """A client that acts by itself as that service account."""
    return register(clinics.own, "system", service=service)


@pytest.fixture
def token(client, person, website):
    """What the website got when the person agreed."""
    return redeem(website, agree(client, website.application)).json()
