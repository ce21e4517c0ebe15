"""The pages on which an administrator keeps the accounts of the clinic's systems."""

import pytest
from knox.models import AuthToken
from rest_framework.test import APIClient

from portal.trust.accounts.models import ApiToken, Membership, User
from portal.trust.audit.models import AuditEvent

pytestmark = pytest.mark.django_db
PAGE = "/settings/services/"
TOKEN = {"name": "Nightly run", "scopes": ["submissions:read"], "days": "30"}


def call(text):
    return APIClient().get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {text}")


def test_account_is_set_up_and_acts_for_the_clinic(client, clinics, administrator):
    answer = client.post(PAGE, {"name": " Hospital   records "})

    account = User.objects.get(kind="service")
    membership = account.memberships.get()
    assert answer.url == f"{PAGE}{membership.pk}/"
    assert account.full_name == "Hospital records"
    assert (membership.clinic, membership.role) == (clinics.own.clinic, "integration")
    page = client.post(answer.url, TOKEN)
    text = page.context["issued"].text
    assert text in page.content.decode()
    assert text not in client.get(answer.url).content.decode()
    assert call(text).json()["memberships"][0]["clinic"]["id"] == str(clinics.own.clinic.pk)
    assert ApiToken.objects.get().made_by == administrator


def test_events_are_the_clinics(client, clinics, administrator, service):
    client.post(PAGE, {"name": "Records"})
    client.post(f"{PAGE}{service.pk}/", TOKEN)

    made, token = (
        AuditEvent.objects.filter(actor=administrator).exclude(action="user.logged_in").order_by("position")
    )
    assert (made.action, token.action) == ("service.created", "token.created")
    assert {made.chain.clinic, token.chain.clinic} == {clinics.own.clinic}
    assert token.details["owner"] == str(service.user.pk)


def test_closing_ends_the_tokens(client, administrator, service):
    text = client.post(f"{PAGE}{service.pk}/", TOKEN).context["issued"].text

    client.post(f"{PAGE}{service.pk}/active/", {"active": "no"})

    assert call(text).status_code == 401
    assert not AuthToken.objects.exists()
    assert AuditEvent.objects.get(action="service.deactivated").details == {"tokens_revoked": 1}
    assert client.post(f"{PAGE}{service.pk}/", TOKEN).status_code == 400
    client.post(f"{PAGE}{service.pk}/active/", {"active": "yes"})
    assert call(text).status_code == 401
    assert client.post(f"{PAGE}{service.pk}/", TOKEN).status_code == 200


def test_one_token_is_revoked_by_the_administrator(client, administrator, service):
    first, second = (client.post(f"{PAGE}{service.pk}/", TOKEN).context["issued"].text for _ in range(2))
    row = AuthToken.objects.get(token_key=first[:15])

    client.post(f"{PAGE}{service.pk}/revoke/", {"token": row.pk})

    assert call(first).status_code == 401
    assert call(second).status_code == 200
    assert AuditEvent.objects.get(action="token.revoked").actor == administrator


def test_only_the_accounts_own_tokens_are_revoked_there(client, clinics, administrator, service):
    foreign, _ = AuthToken.objects.create(user=clinics.own.clinician)
    assert client.post(f"{PAGE}{service.pk}/revoke/", {"token": foreign.pk}).status_code == 404
    assert AuthToken.objects.exists()


def test_people_are_no_service_accounts(client, clinics, administrator):
    row = Membership.objects.get(user=clinics.own.integration)
    assert client.get(f"{PAGE}{row.pk}/").status_code == 404


def test_empty_page_teaches_the_first_step(client, administrator):
    assert "No service accounts" in client.get(PAGE).content.decode()


@pytest.mark.parametrize("name", ["", " ", "x" * 81])
def test_name_is_needed(client, administrator, name):
    assert client.post(PAGE, {"name": name}).status_code == 400
    assert not User.objects.filter(kind="service").exists()
