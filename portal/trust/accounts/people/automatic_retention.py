"""Automatic retention: let a clinic's policy erase by itself, and stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Clinic
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from portal.trust.accounts.models import User


def start_automatic_retention(*, actor: User, clinic: Clinic, years: int | None) -> Clinic:
    """Have patients erased every night from now on, by the policy that `actor` was shown: `years`.

    Raises PermissionDenied or PeopleError (retention_missing, retention_changed).
    """
    require(actor, clinic, Action.ADMINISTER)
    with transaction.atomic():
        clinic = Clinic.objects.select_for_update().get(pk=clinic.pk)
        if clinic.retention_years is None:
            raise PeopleError("retention_missing", "Set first how long data are kept.")
        if clinic.retention_years != years:
            raise PeopleError(
                "retention_changed",
                f"The policy is {clinic.retention_years} years now; you were shown another. Look again first.",
            )
        if clinic.retention_automatic_since is None:
            clinic.retention_automatic_since = timezone.now()
            clinic.save(update_fields=["retention_automatic_since"])
            record_event(
                clinic_id=clinic.pk,
                action="clinic.retention_started",
                actor=actor,
                obj=clinic,
                details={"retention_years": years},
            )
    return clinic


def stop_automatic_retention(*, actor: User, clinic: Clinic) -> Clinic:
    """Nobody is erased any more until somebody says so. Raises PermissionDenied."""
    require(actor, clinic, Action.ADMINISTER)
    with transaction.atomic():
        clinic = Clinic.objects.select_for_update().get(pk=clinic.pk)
        if clinic.retention_automatic_since is not None:
            clinic.retention_automatic_since = None
            clinic.save(update_fields=["retention_automatic_since"])
            record_event(clinic_id=clinic.pk, action="clinic.retention_stopped", actor=actor, obj=clinic)
    return clinic
