"""What a token opens, and what is kept of its use."""

import datetime as dt
import uuid

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from portal.trust.accounts.models import ApiToken, Clinic, Membership
from portal.trust.accounts.permissions import is_allowed
from portal.trust.accounts.roles import Action
from portal.trust.accounts.tokens.use import TokenRefusedError, find_token
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import record_event
from tests.factories import MembershipFactory
from tests.support.tokens import make_token

pytestmark = pytest.mark.django_db


def test_token_of_one_clinic_opens_no_other(clinics, person):
    MembershipFactory(user=person, clinic=clinics.other.clinic, role="clinician")
    issued = make_token(person, clinic_id=clinics.own.clinic.pk)

    caller = find_token(issued.text).user

    assert list(Clinic.objects.visible_to(caller)) == [clinics.own.clinic]
    assert is_allowed(caller, clinics.own.clinic, Action.SUBMIT)
    assert not is_allowed(caller, clinics.other.clinic, Action.SUBMIT)
    assert Clinic.objects.visible_to(person).count() == 2


def test_token_of_one_clinic_reads_no_other_audit_log(clinics):
    """Over FHIR, and the refusal of a row stands in the log of the clinic that the token opens."""
    person, here, there = clinics.own.administrator, clinics.own.clinic, clinics.other.clinic
    MembershipFactory(user=person, clinic=there, role="administrator")
    for clinic in (here, there):
        record_event(clinic_id=clinic.pk, action="clinic.updated", obj=clinic)
        issued = make_token(person, "fhir:read", clinic_id=clinic.pk)
        api = Client(headers={"Authorization": f"Bearer {issued.text}"})
        found = api.get("/fhir/r4/AuditEvent", {"subtype": "clinic.updated"}).json()["entry"]
        observers = [one["resource"]["source"]["observer"]["reference"] for one in found]
        assert observers == [f"Organization/{clinic.pk}"]
        assert api.get(f"/fhir/r4/ServiceRequest/{uuid.uuid4()}").status_code == 404
        assert AuditEvent.objects.filter(action="access.not_found", chain__clinic=clinic).count() == 1

    assert AuditEvent.objects.visible_to(person).filter(action="clinic.updated").count() == 2


def test_ended_membership_leaves_the_token_nothing(clinics, person):
    issued = make_token(person, clinic_id=clinics.own.clinic.pk)
    Membership.objects.filter(user=person).update(is_active=False)

    caller = find_token(issued.text).user

    assert not Clinic.objects.visible_to(caller).exists()
    assert not is_allowed(caller, clinics.own.clinic, Action.VIEW_CASES)


def test_first_use_is_an_event_and_the_last_is_kept_to_the_minute(person):
    issued = make_token(person)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(3):
            find_token(issued.text)
        first = ApiToken.objects.get().last_used_at
        clock.shift(59)
        find_token(issued.text)
        assert ApiToken.objects.get().last_used_at == first
        clock.shift(1)
        find_token(issued.text)
        assert ApiToken.objects.get().last_used_at == first + dt.timedelta(minutes=1)
    assert AuditEvent.objects.filter(action="token.first_used").count() == 1


def test_refusals_are_recorded_once_a_minute(person):
    issued = make_token(person)
    with time_machine.travel(timezone.now() + dt.timedelta(days=31), tick=False) as clock:
        for seconds in (0, 1, 61):
            clock.shift(seconds)
            with pytest.raises(TokenRefusedError) as caught:
                find_token(issued.text)
            assert caught.value.code == "token_expired"
    events = AuditEvent.objects.filter(action="token.refused")
    assert [event.details for event in events] == [{"reason": "token_expired"}] * 2
    assert events[0].actor == person


def test_token_of_a_closed_person_is_refused(person):
    issued = make_token(person)
    person.is_active = False
    person.save()

    with pytest.raises(TokenRefusedError) as caught:
        find_token(issued.text)
    assert caught.value.code == "token_owner_closed"
