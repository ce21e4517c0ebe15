"""A colleague lost phone and codes: an administrator of their clinic lets them start anew."""

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.test import Client
from knox.models import AuthToken

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Membership
from portal.trust.accounts.second_factor.reset import reset_factor
from portal.trust.audit.models import AuditEvent
from tests.factories import MembershipFactory, UserFactory
from tests.support.second_factor import code_of, log_in, set_up_app

pytestmark = pytest.mark.django_db


def membership_of(staff, person):
    return Membership.objects.get(clinic=staff.clinic, user=person)


def test_administrator_resets_a_colleagues_factor(client, clinics, django_capture_on_commit_callbacks):
    person = clinics.own.dermatologist
    secret = set_up_app(person)
    AuthToken.objects.create(user=person)
    elsewhere = Client()
    log_in(elsewhere, person)
    elsewhere.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert elsewhere.get("/submissions/").status_code == 200
    row = membership_of(clinics.own, person)
    client.force_login(clinics.own.administrator)
    assert "Reset second factor" in client.get("/settings/people/").content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/settings/people/{row.pk}/second-factor/")

    assert not Authenticator.objects.exists()
    assert not AuthToken.objects.exists()
    event = AuditEvent.objects.get(action="user.mfa_reset")
    assert (event.actor, event.object_id) == (clinics.own.administrator, str(person.pk))
    assert event.details == {"factors": 2, "identities": 0, "tokens_revoked": 1, "sessions": 1}
    assert elsewhere.get("/submissions/").status_code == 302
    assert [message.to for message in mail.outbox] == [[person.email]]
    assert "did not ask for this" in mail.outbox[0].body


@pytest.mark.parametrize(
    ("who", "code"),
    [("works elsewhere", "not_yours_to_reset"), ("oneself", "own_factor"), ("none", "no_factor")],
)
def test_reset_has_limits(clinics, who, code):
    actor = clinics.own.administrator
    person = actor if who == "oneself" else clinics.own.dermatologist
    if who == "works elsewhere":
        MembershipFactory(user=person, clinic=clinics.other.clinic)
    with pytest.raises(PeopleError) as caught:
        reset_factor(actor=actor, membership=membership_of(clinics.own, person))
    assert caught.value.code == code


def test_reset_is_for_administrators_of_the_clinic(clinics):
    row = membership_of(clinics.own, clinics.own.clinician)
    for actor in (clinics.own.dermatologist, clinics.other.administrator, UserFactory()):
        with pytest.raises(PermissionDenied):
            reset_factor(actor=actor, membership=row)
