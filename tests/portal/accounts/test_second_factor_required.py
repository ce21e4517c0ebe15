"""Roles that need a second factor: nothing opens before there is one, by no door."""

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse
from knox.models import AuthToken

from tests.factories import PASSWORD, MembershipFactory, two_clinics
from tests.support.second_factor import code_of, log_in, set_up_app

pytestmark = pytest.mark.django_db
INDEX = "/accounts/2fa/"


@pytest.fixture
def clinics(settings):
    settings.DERMAPORT_MFA_REQUIRED_ROLES = ["dermatologist", "administrator"]
    return two_clinics()


@pytest.mark.parametrize("role", ["dermatologist", "administrator"])
def test_page_fragment_and_api_wait_for_the_factor(client, clinics, role):
    client.force_login(clinics.own.person(role))

    assert client.get("/submissions/")["Location"] == INDEX
    assert client.post("/settings/name/", {"full_name": "Ada"})["Location"] == INDEX
    fragment = client.get("/home/columns/", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Redirect"]) == (403, INDEX)
    refused = client.get("/api/v1/me/")
    assert (refused.status_code, refused.json()["code"]) == (403, "mfa_required")


def test_way_out_and_enrolment_stay_open(client, clinics):
    person = clinics.own.dermatologist
    log_in(client, person)

    page = client.get(INDEX)
    assert "Your role needs a second factor" in page.content.decode()
    assert client.get(reverse("health-live")).status_code == 200
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})

    assert client.get("/submissions/").status_code == 200
    assert client.post("/accounts/logout/").status_code == 302


def test_others_are_not_asked(client, clinics):
    client.force_login(clinics.own.clinician)
    assert client.get("/submissions/").status_code == 200
    client.force_login(clinics.own.integration)
    assert client.get("/api/v1/me/").status_code == 200


def test_role_in_any_clinic_counts_until_it_ends(client, clinics):
    person = clinics.own.clinician
    elsewhere = MembershipFactory(user=person, clinic=clinics.other.clinic, role="dermatologist")
    client.force_login(person)
    assert client.get("/submissions/")["Location"] == INDEX
    elsewhere.is_active = False
    elsewhere.save()
    assert client.get("/submissions/").status_code == 200


def test_operators_are_asked_where_the_setting_says_so(client, clinics, settings):
    client.force_login(clinics.operator)
    assert client.get("/status/").status_code == 200
    settings.DERMAPORT_MFA_REQUIRED_ROLES = ["operator"]
    assert client.get("/status/")["Location"] == INDEX


def test_tokens_made_before_wait_for_the_factor(client, clinics):
    person = clinics.own.dermatologist
    text = AuthToken.objects.create(user=person)[1]
    headers = {"Authorization": f"Bearer {text}"}

    refused = client.get("/api/v1/me/", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "mfa_required")
    set_up_app(person)
    assert client.get("/api/v1/me/", headers=headers).status_code == 200


@pytest.mark.parametrize("who", ["must have one", "has one"])
def test_password_alone_makes_no_token(client, clinics, who):
    person = clinics.own.dermatologist if who == "must have one" else clinics.own.clinician
    if who == "has one":
        set_up_app(person)

    sent = {"email": person.email, "password": PASSWORD}
    answer = client.post("/api/v1/token/", sent, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (403, "mfa_required")
    assert not AuthToken.objects.exists()


def test_last_needed_factor_is_not_removed(client, clinics):
    person = clinics.own.dermatologist
    secret = set_up_app(person)
    log_in(client, person)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})

    page = client.post("/accounts/2fa/totp/deactivate/").content.decode()

    assert "Add a passkey first" in page
    assert Authenticator.objects.filter(user=person, type="totp").exists()


def test_log_in_page_says_when_nobody_must(client, settings):
    words = "ask for a second factor. Use it for demonstrations only"
    assert words in client.get("/accounts/login/").content.decode()
    settings.DERMAPORT_MFA_REQUIRED_ROLES = ["administrator"]
    assert words not in client.get("/accounts/login/").content.decode()
