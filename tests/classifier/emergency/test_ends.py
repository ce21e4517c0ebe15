"""It ends by time, by its button, by log-out and with the place; and no token ever has it."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from knox.models import AuthToken

from classifier.models import (
    EmergencyAccess,
)
from portal.trust.accounts.models import Membership
from tests.classifier.emergency.asking import actions, ask, statuses
from tests.factories import (
    MembershipFactory,
)

pytestmark = pytest.mark.django_db


def test_time_runs_out_by_itself(client, side, case, settings):
    settings.DERMAPORT_EMERGENCY_MINUTES = 5
    ask(client, side)
    assert statuses(client, case) == {200}
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=5, seconds=1), tick=False):
        assert statuses(client, case) == {404}
        assert "Emergency access</strong>" not in client.get(reverse("home")).text


def test_only_the_session_that_opened_it(client, side, case, log_in):
    ask(client, side)
    person = side.own.clinician
    assert statuses(log_in(person), case) == {404}
    token = Client(headers={"Authorization": f"Bearer {AuthToken.objects.create(user=person)[1]}"})
    assert token.get(f"/api/v1/submissions/{case.pk}/").status_code == 404
    both = Client(headers={"Authorization": f"Bearer {AuthToken.objects.create(user=person)[1]}"})
    both.cookies = client.cookies
    assert both.get(f"/api/v1/submissions/{case.pk}/").status_code == 404
    thief = log_in(side.own.dermatologist)
    session = thief.session
    session["emergencies"] = [str(EmergencyAccess.objects.get().pk)]
    session.save()
    assert statuses(thief, case) == {404}


def test_logging_out_ends_it(client, side, case):
    ask(client, side)
    client.post(reverse("account_logout"))
    assert not EmergencyAccess.objects.live().exists()
    assert actions(side.other)[-1] == "emergency.ended"


def test_who_loses_the_place_loses_this_with_it(client, side, case):
    MembershipFactory(clinic=MembershipFactory().clinic, user=side.own.clinician, role="clinician")
    ask(client, side)
    assert statuses(client, case) == {200}
    Membership.objects.filter(clinic=side.own.clinic, user=side.own.clinician).update(role="administrator")
    assert statuses(client, case) == {404}


def test_administrator_of_the_patients_clinic_ends_it(client, side, case, log_in):
    ask(client, side)
    address = reverse("emergency-end", args=[EmergencyAccess.objects.get().pk])
    for stranger in (side.own.administrator, side.own.dermatologist, side.other.clinician):
        assert log_in(stranger).post(address).status_code == 404
    assert statuses(client, case) == {200}
    assert log_in(side.other.administrator).post(address).url == reverse("emergency-list")
    assert statuses(client, case) == {404}
