"""Break-glass access: open one patient of another clinic, end it, and confirm to have seen it.

Each step stands in the audit logs of both clinics. The reason is kept with the grant only: it may name
the patient.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models.functions import Least
from django.utils import timezone

from classifier.cases.search import has_public_id, has_record_number
from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.limits import check_length
from classifier.models import EmergencyAccess, Patient, RefusedEmergency
from portal.trust.accounts.models import Membership, User
from portal.trust.accounts.permissions import is_allowed, require, role_in
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import Entry, record_events

if TYPE_CHECKING:
    import uuid

    from django.db import models

    from portal.trust.accounts.models import Clinic

OPENED, REFUSED = "emergency.opened", "emergency.refused"
HOUR = dt.timedelta(hours=1)
GUEST = "You are a guest in this clinic. Switch to your own, then open the patient."
NOT_FOUND = (
    "No patient of this clinic fits what you gave. Check the MRN and the birth date, or the public id; "
    "both must be exact."
)


def open_emergency(
    *,
    actor: User,
    home_clinic: Clinic,
    clinic: Clinic,
    reason: str,
    mrn: str = "",
    birth_date: dt.date | None = None,
    public_id: str = "",
) -> EmergencyAccess:
    """Let `actor`, who works in `home_clinic`, read one patient of `clinic` for a while.

    The answer is the same whether there is no such patient or the birth date is another.
    Raises PermissionDenied; InvalidInputError (reason_too_short, reason_too_long, identity_missing,
    own_clinic, patient_not_found); ConflictError (too_many_attempts).
    """
    _require_place(actor, home_clinic)
    reason = reason.strip()
    _check_request(reason, has_identity=bool(public_id or (mrn and birth_date)))
    if role_in(actor, clinic.pk) is not None:
        raise InvalidInputError(
            "own_clinic", "You work in this clinic. Find the patient on the page Patients.", field="clinic"
        )
    with transaction.atomic():
        # One try of a person after the other, so that the limit holds for many at once.
        User.objects.select_for_update().get(pk=actor.pk)
        _check_pace(actor)
        patient = _find_patient(clinic, mrn=mrn, birth_date=birth_date, public_id=public_id)
        if patient is not None:
            return _grant(actor, home_clinic, patient, reason)
        RefusedEmergency.objects.create(
            user=actor, home_clinic=home_clinic, clinic=clinic, refused_at=timezone.now()
        )
        # Without what was typed: it may be a patient's.
        _record(REFUSED, actor=actor, clinics=(clinic.pk, home_clinic.pk), obj=None)
    raise InvalidInputError("patient_not_found", NOT_FOUND)


def end_emergency(*, actor: User, access: EmergencyAccess) -> EmergencyAccess:
    """End it now: by who opened it, or by an administrator of the patient's clinic.

    Raises PermissionDenied. One that has ended stays as it is.
    """
    if access.user_id != actor.pk and not is_allowed(actor, access.clinic_id, Action.ADMINISTER):
        raise PermissionDenied("Only who opened it and the patient's clinic can end it.")
    with transaction.atomic():
        access = EmergencyAccess.objects.select_for_update().get(pk=access.pk)
        if access.is_live:
            access.ended_at = timezone.now()
            access.save(update_fields=["ended_at"])
            clinics = (access.clinic_id, access.home_clinic_id)
            _record("emergency.ended", actor=actor, clinics=clinics, obj=access)
    return access


def acknowledge_emergency(*, actor: User, access: EmergencyAccess) -> EmergencyAccess:
    """An administrator of the patient's clinic has seen it. Raises PermissionDenied."""
    require(actor, access.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        access = EmergencyAccess.objects.select_for_update().get(pk=access.pk)
        if access.acknowledged_at is None:
            access.acknowledged_at, access.acknowledged_by = timezone.now(), actor
            access.save(update_fields=["acknowledged_at", "acknowledged_by"])
            clinics = (access.clinic_id, access.home_clinic_id)
            _record("emergency.acknowledged", actor=actor, clinics=clinics, obj=access)
    return access


def _require_place(actor: User, home_clinic: Clinic) -> None:
    require(actor, home_clinic, Action.BREAK_GLASS)
    if Membership.objects.held_by(actor).filter(clinic=home_clinic, ends_at__isnull=False).exists():
        raise PermissionDenied(GUEST)


def _check_request(reason: str, *, has_identity: bool) -> None:
    least = settings.DERMAPORT_EMERGENCY_REASON_LENGTH
    if len(reason) < least:
        raise InvalidInputError(
            "reason_too_short",
            f"Write why you need this patient's cases now: at least {least} characters, received {len(reason)}.",
            field="reason",
        )
    check_length(EmergencyAccess, "reason", reason, what="The reason")
    if not has_identity:
        raise InvalidInputError(
            "identity_missing", "Give the MRN and the birth date, or the public id.", field="mrn"
        )


def _check_pace(actor: User) -> None:
    """Counted in rows, not in a cache: a limit that a restart forgets is none."""
    since, most = timezone.now() - HOUR, settings.DERMAPORT_EMERGENCY_ATTEMPTS
    refused = RefusedEmergency.objects.filter(user=actor, refused_at__gt=since)
    tries = EmergencyAccess.objects.filter(user=actor, granted_at__gt=since).count() + refused.count()
    if tries >= most:
        raise ConflictError(
            "too_many_attempts",
            f"You tried {tries} times within an hour; the limit is {most}. Call the patient's clinic.",
        )


def _find_patient(clinic: Clinic, *, mrn: str, birth_date: dt.date | None, public_id: str) -> Patient | None:
    patients = Patient.objects.filter(clinic=clinic, erased_at__isnull=True)
    if public_id:
        return patients.filter(has_public_id(public_id)).first()
    found = patients.filter(has_record_number(mrn)).first()
    # Here, not in the query: a wrong birth date and no such patient take the same query and time.
    return found if found is not None and found.birth_date == birth_date else None


def _grant(actor: User, home_clinic: Clinic, patient: Patient, reason: str) -> EmergencyAccess:
    now = timezone.now()
    earlier = EmergencyAccess.objects.filter(user=actor, patient=patient, ended_at__isnull=True)
    earlier.update(ended_at=Least("expires_at", now))
    access = EmergencyAccess.objects.create(
        user=actor,
        home_clinic=home_clinic,
        patient=patient,
        clinic_id=patient.clinic_id,
        reason=reason,
        granted_at=now,
        expires_at=now + dt.timedelta(minutes=settings.DERMAPORT_EMERGENCY_MINUTES),
    )
    _record(OPENED, actor=actor, clinics=(patient.clinic_id, home_clinic.pk), obj=access)
    return access


def _record(
    action: str, *, actor: User, clinics: tuple[uuid.UUID, uuid.UUID], obj: models.Model | None
) -> None:
    """In both audit logs: the patient's clinic, then the reader's."""
    theirs, home = (str(pk) for pk in clinics)
    details = {"clinic": theirs, "home_clinic": home}
    record_events(Entry(clinic_id=pk, action=action, actor=actor, obj=obj, details=details) for pk in clinics)
