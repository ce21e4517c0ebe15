"""Authorization code with PKCE: a person of the clinic agrees, and the client acts for them there."""

import datetime as dt

import time_machine
from django.utils import timezone
from oauth2_provider.models import AccessToken, RefreshToken

from portal.trust.accounts.models import Membership, OAuthApplication
from portal.trust.audit.models import AuditEvent
from tests.factories import MembershipFactory
from tests.support.oauth import agree, call, redeem


def test_client_acts_for_the_person_in_its_clinic_alone(client, clinics, person, website):
    MembershipFactory(user=person, clinic=clinics.other.clinic, role="clinician")

    answer = redeem(website, agree(client, website.application))

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    token = answer.json()
    assert token["scope"] == "submissions:read"
    assert token["access_token"].startswith("dpo_")
    me = call(token["access_token"]).json()
    assert me["email"] == person.email
    assert [row["clinic"]["id"] for row in me["memberships"]] == [str(clinics.own.clinic.pk)]
    assert call(token["access_token"], "/api/v1/submissions/").status_code == 200
    refused = call(token["access_token"], "/api/v1/patients/")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert OAuthApplication.objects.get().last_used_at is not None


def test_nothing_that_opens_is_stored(client, person, website):
    token = redeem(website, agree(client, website.application)).json()

    assert AccessToken.objects.get().token == ""
    assert RefreshToken.objects.get().token == ""
    assert OAuthApplication.objects.get().client_secret != website.secret
    stored = str(list(AuditEvent.objects.values_list("details", flat=True)))
    assert not any(
        secret in stored for secret in (token["access_token"], token["refresh_token"], website.secret)
    )


def test_every_step_is_an_event_of_the_clinic(client, clinics, person, website):
    redeem(website, agree(client, website.application))

    events = AuditEvent.objects.filter(chain__clinic=clinics.own.clinic).order_by("position")
    assert [event.action for event in events] == [
        "application.registered",
        "application.authorized",
        "application.token_issued",
    ]
    assert events[2].actor == person
    assert events[2].details == {"grant": "authorization_code", "scopes": ["submissions:read"]}


def test_expired_token_is_refused(client, person, website):
    token = redeem(website, agree(client, website.application)).json()["access_token"]
    with time_machine.travel(timezone.now() + dt.timedelta(hours=1, seconds=1)):
        assert call(token).status_code == 401


def test_deactivated_person_is_refused_and_a_dismissed_one_finds_nothing(client, person, website):
    token = redeem(website, agree(client, website.application)).json()["access_token"]
    Membership.objects.filter(user=person).update(is_active=False)
    assert call(token, "/api/v1/submissions/").status_code == 403
    person.is_active = False
    person.save()
    assert call(token).status_code == 401


def test_narrowed_application_narrows_its_tokens(client, person, website):
    token = redeem(website, agree(client, website.application)).json()["access_token"]
    OAuthApplication.objects.update(scopes=["patients:read"])
    assert call(token, "/api/v1/submissions/").status_code == 403
