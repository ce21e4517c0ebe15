"""Refresh tokens turn once; one that is shown twice ends the whole family."""

import datetime as dt

import time_machine
from django.utils import timezone

from portal.trust.accounts.models import Membership
from portal.trust.audit.models import AuditEvent
from tests.support.oauth import call, refresh, register


def test_each_use_gives_a_new_pair_and_ends_the_old(website, token):
    new = refresh(website, token["refresh_token"]).json()

    assert new["refresh_token"] != token["refresh_token"]
    assert new["scope"] == token["scope"]
    assert call(new["access_token"]).status_code == 200
    assert call(token["access_token"]).status_code == 401


def test_reuse_ends_the_family_and_is_recorded(website, token, person):
    new = refresh(website, token["refresh_token"]).json()

    answer = refresh(website, token["refresh_token"])

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert call(new["access_token"]).status_code == 401
    assert refresh(website, new["refresh_token"]).status_code == 400
    event = AuditEvent.objects.filter(action="application.refresh_reused").first()
    assert event.actor == person
    assert event.object_id == str(website.application.pk)


def test_idle_refresh_token_ends(website, token, settings):
    with time_machine.travel(timezone.now() + dt.timedelta(days=30, hours=1, seconds=5)):
        assert refresh(website, token["refresh_token"]).status_code == 400


def test_person_who_left_or_closed_gets_no_more(website, token, person):
    Membership.objects.filter(user=person).update(is_active=False)
    assert refresh(website, token["refresh_token"]).status_code == 400
    Membership.objects.filter(user=person).update(is_active=True)
    person.is_active = False
    person.save()
    assert refresh(website, token["refresh_token"]).status_code == 400


def test_another_client_cannot_use_it(clinics, website, token):
    other = register(clinics.own, name="Another")
    assert refresh(other, token["refresh_token"]).status_code == 400
    assert call(token["access_token"]).status_code == 200


def test_scopes_do_not_grow(website, token):
    answer = refresh(website, token["refresh_token"], scope="submissions:read patients:read")
    assert answer.json()["error"] == "invalid_scope"
