"""A second factor that a role needs holds for applications too; a system has no hands for one."""

import pytest

from tests.factories import MembershipFactory
from tests.support.oauth import AUTHORIZE, agree, ask, ask_by_itself, call, redeem
from tests.support.second_factor import set_up_app
from tests.support.tokens import make_token


@pytest.fixture
def required(settings):
    def require(*roles):
        settings.DERMAPORT_MFA_REQUIRED_ROLES = list(roles)

    return require


def test_nobody_consents_without_the_factor(client, person, website, required):
    required("clinician")
    for answer in (
        client.get(AUTHORIZE, ask(website.application)),
        client.post(AUTHORIZE, {**ask(website.application), "allow": "true"}),
    ):
        assert (answer.status_code, answer["Location"]) == (302, "/accounts/2fa/")
    set_up_app(person)
    assert agree(client, website.application)


def test_token_got_before_waits_for_the_factor(client, person, website, required):
    token = redeem(website, agree(client, website.application)).json()["access_token"]
    required("clinician")
    refused = call(token)
    assert (refused.status_code, refused.json()["code"]) == (403, "mfa_required")
    set_up_app(person)
    assert call(token).status_code == 200


def test_token_of_one_clinic_waits_for_what_another_needs(clinics, person, required):
    MembershipFactory(user=person, clinic=clinics.other.clinic, role="dermatologist")
    text = make_token(person, clinic_id=clinics.own.clinic.pk).text
    required("dermatologist")
    assert call(text).json()["code"] == "mfa_required"


def test_service_account_needs_none(system, required):
    token = ask_by_itself(system).json()["access_token"]
    required("integration", "administrator")
    assert call(token).status_code == 200
