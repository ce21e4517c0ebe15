"""A legal hold keeps a patient's data from being erased, by hand or by policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from classifier.models import Patient
from portal.accounts.permissions import require
from portal.accounts.roles import Action
from portal.audit.services import record_event

if TYPE_CHECKING:
    from portal.accounts.models import User


def set_hold(*, actor: User, patient: Patient, is_on_hold: bool) -> Patient:
    """Put `patient` on legal hold, or lift it. Raises PermissionDenied."""
    require(actor, patient.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        patient = Patient.objects.select_for_update().get(pk=patient.pk)
        if patient.is_on_hold != is_on_hold:
            patient.is_on_hold = is_on_hold
            patient.save(update_fields=["is_on_hold"])
            record_event(
                clinic_id=patient.clinic_id,
                action="patient.held" if is_on_hold else "patient.released",
                actor=actor,
                obj=patient,
            )
    return patient
