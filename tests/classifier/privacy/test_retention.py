"""A clinic's policy names whom it would erase; nobody goes before somebody says so."""

import pytest
from django.core.management import CommandError, call_command

from classifier.models import Patient
from classifier.privacy.retention import find_due
from portal.trust.audit.models import AuditEvent

pytestmark = pytest.mark.django_db


def test_last_activity_decides(add, clinic):
    old, old_case = add(), add(case=12)
    add(case=5)
    add(case=12, review=3)
    add(case=12, reading=3)
    add(case=12, review=11, acknowledged=3)
    add(case=12, outcome=3)
    # Back after years: nobody is erased in the night between two visits.
    add(case=12, lesion=3)
    add(case=12, consent=3)
    add(case=12, corrected=3)
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
