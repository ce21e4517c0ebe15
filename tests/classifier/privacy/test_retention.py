"""A clinic's policy names whom it would erase; nobody goes before somebody says so."""

import datetime as dt

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from classifier.models import Patient
from classifier.services.retention import find_due
from portal.accounts.errors import PeopleError
from portal.accounts.services import update_clinic
from portal.audit.models import AuditEvent
from tests.factories import LesionFactory, PatientFactory, ReviewFactory, SubmissionFactory

pytestmark = pytest.mark.django_db


def long_ago(years):
    return timezone.now() - dt.timedelta(days=366 * years)


@pytest.fixture
def clinic(side):
    side.own.clinic.retention_years = 10
    side.own.clinic.save()
    return side.own.clinic


@pytest.fixture
def add(clinic):
    def make(*, case=None, review=None, added=20, **changes):
        patient = PatientFactory(clinic=changes.pop("clinic", clinic), **changes)
        Patient.objects.filter(pk=patient.pk).update(created_at=long_ago(added))
        if case is not None:
            row = SubmissionFactory(lesion=LesionFactory(patient=patient), submitted_at=long_ago(case))
            if review is not None:
                ReviewFactory(submission=row, signed_at=long_ago(review))
        return patient

    return make


def test_last_activity_decides(add, clinic):
    old, old_case = add(), add(case=12)
    add(case=5)
    add(case=12, review=3)
    add(added=1)
    add(is_on_hold=True)
    assert set(find_due(clinic)) == {old, old_case}


def test_no_policy_no_due(add, clinic, side):
    add(clinic=side.other.clinic)
    assert not find_due(side.other.clinic)
    assert find_due(side.other.clinic, years=10).count() == 1


def test_dry_run_says_whom_and_erases_nobody(add, capsys):
    patient = add()
    call_command("apply_retention", dry_run=True)
    assert patient.public_id in capsys.readouterr().out
    assert Patient.objects.get().erased_at is None


def test_policy_is_applied(add, capsys):
    add()
    kept = add(case=1)
    call_command("apply_retention")
    assert "1 patients erased" in capsys.readouterr().out
    assert Patient.objects.get(erased_at__isnull=True) == kept
    event = AuditEvent.objects.get(action="patient.erased")
    assert (event.actor, event.details["reason"]) == (None, "retention")


def test_unknown_clinic(clinic):
    with pytest.raises(CommandError, match="No clinic named"):
        call_command("apply_retention", clinic="Nowhere")


def test_page_shows_what_would_go(add, side, log_in):
    patient = add(case=12)
    client = log_in(side.own.administrator)
    page = client.get(reverse("retention")).content.decode()
    assert patient.public_id in page
    assert "1 submission" in page
    assert patient.mrn not in page


def test_policy_is_set_on_the_clinics_page(side, log_in):
    client = log_in(side.own.administrator)
    sent = client.post(reverse("clinic-settings"), {"name": "Renamed", "retention_years": "15"})
    assert sent.status_code == 302
    side.own.clinic.refresh_from_db()
    assert side.own.clinic.retention_years == 15
    with pytest.raises(PeopleError, match="1 to 100 years"):
        update_clinic(actor=side.own.administrator, clinic=side.own.clinic, retention_years=0)
