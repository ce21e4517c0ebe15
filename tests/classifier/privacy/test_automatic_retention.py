"""At night the policy erases by itself, where an administrator let it; whatever happens, nobody else goes."""

import math

import pytest
import structlog
from django.db import IntegrityError, transaction
from django.urls import reverse

from classifier.models import Patient
from classifier.privacy import retention
from classifier.privacy.retention import run_automatic_retention
from classifier.tasks import apply_retention_task
from portal.celery import app
from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Clinic
from portal.trust.accounts.people.automatic_retention import (
    start_automatic_retention,
    stop_automatic_retention,
)
from portal.trust.accounts.people.services import update_clinic
from portal.trust.audit.models import AuditEvent
from tests.factories import LesionFactory, SubmissionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def start(side, clinic):
    return lambda: start_automatic_retention(actor=side.own.administrator, clinic=clinic, years=10)


def count_erased():
    return Patient.objects.filter(erased_at__isnull=False).count()


def test_nothing_goes_by_itself_until_somebody_lets_it(add, start):
    add()
    apply_retention_task()
    assert count_erased() == 0
    start()
    add(case=1)
    apply_retention_task()
    assert count_erased() == 1
    event = AuditEvent.objects.get(action="clinic.retention_applied")
    assert event.details == {"patients": 1, "automatic": True}


def test_a_second_run_finds_nothing_to_do(add, start):
    start()
    add()
    apply_retention_task()
    apply_retention_task()
    assert AuditEvent.objects.filter(action="patient.erased").count() == 1
    assert AuditEvent.objects.filter(action="clinic.retention_applied").count() == 1


def test_a_killed_run_goes_on_where_it_was(add, start, monkeypatch):
    start()
    for _ in range(3):
        add()
    erase, calls = retention.erase_patient, []

    def die_at_the_second(**given):
        calls.append(given)
        if len(calls) == 2:
            raise SystemExit
        return erase(**given)

    monkeypatch.setattr(retention, "erase_patient", die_at_the_second)
    with pytest.raises(SystemExit):
        run_automatic_retention(budget_seconds=math.inf)
    assert count_erased() == 1
    run_automatic_retention(budget_seconds=math.inf)
    assert count_erased() == 3


def test_one_that_breaks_keeps_nobody_else(add, start, monkeypatch):
    start()
    broken = [add(added=31), add(added=30)]
    add()
    erase = retention.erase_patient

    def break_at_some(*, patient, **given):
        if patient in broken:
            raise ValueError("a bug")
        return erase(patient=patient, **given)

    monkeypatch.setattr(retention, "erase_patient", break_at_some)
    with structlog.testing.capture_logs() as logs, pytest.raises(ValueError, match="a bug"):
        run_automatic_retention(budget_seconds=math.inf)
    assert count_erased() == 1
    told = [line["patient"] for line in logs if line["event"] == "patient_not_erased"]
    assert told == [str(patient.pk) for patient in broken]


def test_time_is_up_and_the_next_is_woken(add, start, wake_ups):
    start()
    add()
    run_automatic_retention(budget_seconds=0)
    assert (count_erased(), wake_ups) == (0, [apply_retention_task.name])


def test_who_came_back_meanwhile_stays(add, start, side, clinic, monkeypatch):
    """The list is made, then one gets a hold, or a case, and the policy is stopped."""
    start()
    patient = add()
    ask = retention._erase_if_due

    def hold_first(*given, **how):
        Patient.objects.update(is_on_hold=True)
        assert not ask(*given, **how)
        Patient.objects.update(is_on_hold=False)
        case = SubmissionFactory(lesion=LesionFactory(patient=patient))
        assert not ask(*given, **how)
        type(case.lesion).objects.filter(pk=case.lesion_id).update(standing_case=None)
        case.delete()
        stop_automatic_retention(actor=side.own.administrator, clinic=clinic)
        return ask(*given, **how)

    monkeypatch.setattr(retention, "_erase_if_due", hold_first)
    run_automatic_retention(budget_seconds=math.inf)
    assert count_erased() == 0


def test_another_policy_has_to_be_looked_at_first(start, side, clinic):
    start()
    update_clinic(actor=side.own.administrator, clinic=clinic, retention_years=2)
    clinic.refresh_from_db()
    assert clinic.retention_automatic_since is None
    event = AuditEvent.objects.get(action="clinic.updated")
    assert event.details["fields"] == ["retention_automatic_since", "retention_years"]
    with pytest.raises(PeopleError, match="shown another"):
        start()


def test_without_a_policy_it_is_refused_by_database_and_service(side):
    other = side.other
    with pytest.raises(PeopleError, match="how long"):
        start_automatic_retention(actor=other.administrator, clinic=other.clinic, years=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Clinic.objects.filter(pk=other.clinic.pk).update(retention_automatic_since="2026-01-01T00:00Z")


def test_page_lets_it_run_after_the_list_and_stops_it(add, side, clinic, log_in):
    patient = add()
    client = log_in(side.own.administrator)
    page = client.get(reverse("retention")).content.decode()
    assert page.index(patient.public_id) < page.index("Erase every night from now on")
    assert "Erase every night" not in client.get(reverse("retention"), {"years": "3"}).content.decode()
    for years in ("9", "ten", "9" * 5000):
        client.post(reverse("retention"), {"automatic": "yes", "years": years})
        clinic.refresh_from_db()
        assert clinic.retention_automatic_since is None
    client.post(reverse("retention"), {"automatic": "yes", "years": "10"})
    assert "Stop automatic erasing" in client.get(reverse("retention")).content.decode()
    client.post(reverse("retention"), {"automatic": "no"})
    clinic.refresh_from_db()
    assert clinic.retention_automatic_since is None


def test_beat_asks_at_night_and_anchors_the_audit_log():
    schedule = app.conf.beat_schedule
    assert schedule["apply-retention"]["task"] == apply_retention_task.name
    assert schedule["apply-retention"]["schedule"].hour == {1, 2, 3, 4}
    assert schedule["anchor-audit"]["task"] == "portal.audit.tasks.anchor_audit_task"
