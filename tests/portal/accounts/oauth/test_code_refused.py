"""Codes that give no token."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant

from portal.trust.accounts.models import Membership
from portal.trust.audit.models import AuditEvent
from tests.support.oauth import agree, redeem

NOT_TAKEN = (400, "invalid_grant")


def outcome(answer):
    return answer.status_code, answer.json().get("error")


def test_replayed_code_is_refused(client, person, website):
    code = agree(client, website.application)
    assert redeem(website, code).status_code == 200
    assert outcome(redeem(website, code)) == NOT_TAKEN
    assert AuditEvent.objects.get(action="token.refused").details == {"reason": "oauth_invalid_grant"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code_verifier": "another-verifier-that-is-long-enough-for-the-server"}, NOT_TAKEN),
        ({"code_verifier": ""}, (400, "invalid_request")),
        ({"redirect_uri": "https://records.example/callback/"}, (400, "invalid_request")),
        ({"client_secret": "dps_wrong"}, (401, "invalid_client")),
        ({"client_secret": ""}, (401, "invalid_client")),
        ({"code": "nothing"}, NOT_TAKEN),
        ({"code": "\x00"}, (400, "invalid_request")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
    ],
)
def test_wrong_exchange_is_refused(client, person, website, changes, expected):
    code = agree(client, website.application)
    assert outcome(redeem(website, code, **changes)) == expected
    assert not AccessToken.objects.exists()


def test_expired_code_is_refused(client, person, website):
    code = agree(client, website.application)
    with time_machine.travel(timezone.now() + dt.timedelta(seconds=61)):
        assert outcome(redeem(website, code)) == NOT_TAKEN


def test_code_of_a_person_who_left_is_refused(client, person, website):
    code = agree(client, website.application)
    Membership.objects.filter(user=person).update(is_active=False)
    assert outcome(redeem(website, code)) == NOT_TAKEN


def test_code_is_of_one_client(client, clinics, person, website):
    from tests.support.oauth import register

    other = register(clinics.own, name="Another")
    assert outcome(redeem(other, agree(client, website.application))) == NOT_TAKEN
    assert Grant.objects.exists()


def test_refusals_are_told_apart_by_the_address_behind_the_proxy(client, db, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for address in ("203.0.113.7", "203.0.113.7", "203.0.113.8"):
        client.post("/oauth/token/", {"grant_type": "password"}, headers={"X-Forwarded-For": address})

    assert AuditEvent.objects.filter(action="token.refused").count() == 2
