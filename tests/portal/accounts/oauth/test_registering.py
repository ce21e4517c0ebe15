"""Registering an application: what is taken, and what the page shows once."""

import pytest

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import OAuthApplication
from tests.factories import service_account
from tests.support.oauth import RETURN, register

PAGE = "/settings/applications/"
GIVEN = {"name": "Records", "kind": "website", "redirect_uris": RETURN, "scopes": ["submissions:read"]}


@pytest.fixture
def administrator(client, clinics):
    client.force_login(clinics.own.administrator)
    return clinics.own.administrator


def test_secret_is_shown_once(client, administrator):
    page = client.post(PAGE, GIVEN)

    secret = page.context["secret"]
    assert secret.startswith("dps_")
    assert secret in page.content.decode()
    row = OAuthApplication.objects.get()
    assert secret not in row.client_secret
    assert secret not in client.get(f"{PAGE}{row.pk}/").content.decode()
    renewed = client.post(f"{PAGE}{row.pk}/secret/").context["secret"]
    assert renewed != secret


def test_app_on_a_device_gets_no_secret(client, administrator):
    page = client.post(PAGE, {**GIVEN, "kind": "device", "redirect_uris": "http://[::1]/back"})
    assert page.context["secret"] == ""
    row = OAuthApplication.objects.get()
    assert client.post(f"{PAGE}{row.pk}/secret/").status_code == 302


def test_service_account_of_another_clinic_is_not_taken(client, clinics, administrator):
    foreign = service_account(clinics.other.clinic)
    page = client.post(PAGE, {**GIVEN, "kind": "system", "service": foreign.pk})
    assert set(page.context["form"].errors) == {"service"}
    with pytest.raises(PeopleError) as caught:
        register(clinics.own, "system", service=foreign)
    assert caught.value.code == "service_missing"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"kind": "robot"}, "kind"),
        ({"scopes": []}, "scopes"),
        ({"redirect_uris": ""}, "redirect_uris"),
        ({"redirect_uris": "http://records.example/"}, "redirect_uris"),
        ({"kind": "system"}, "service"),
    ],
)
def test_wrong_input_is_told_at_its_field(client, administrator, changes, field):
    page = client.post(PAGE, {**GIVEN, **changes})
    assert page.status_code == 400
    assert set(page.context["form"].errors) == {field}
    assert not OAuthApplication.objects.exists()


def test_empty_page_teaches_the_first_step(client, administrator):
    assert "No applications" in client.get(PAGE).content.decode()
