"""Retention policy and legal hold: what a clinic's policy would erase, doing so, and what prevents it."""

from __future__ import annotations

import datetime as dt
import math
import time
from typing import TYPE_CHECKING

import structlog
from django.db import models, transaction
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from classifier.claims.wake_ups import APPLY_RETENTION, send_wake_up
from classifier.domain.vocabulary import ErasureReason
from classifier.models import Acknowledgement, Consent, Lesion, Outcome, Patient, Reading, Review, Submission
from classifier.privacy.erasure import erase_patient
from portal.trust.accounts.models import Clinic
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import uuid

    from classifier.models.patient import PatientQuerySet
    from portal.trust.accounts.models import User


log = structlog.get_logger(__name__)

ACTIVITY: list[tuple[type[models.Model], str, str]] = [
    (Consent, "patient", "recorded_at"),
    (Lesion, "patient", "created_at"),
    (Submission, "lesion__patient", "submitted_at"),
    (Reading, "submission__lesion__patient", "read_at"),
    (Review, "submission__lesion__patient", "signed_at"),
    (Acknowledgement, "review__submission__lesion__patient", "acknowledged_at"),
    (Outcome, "lesion__patient", "recorded_at"),
]
"""What is done for a patient: the row, its way to the patient, and its moment. Looking is no activity."""


def find_due(clinic: Clinic, *, years: int | None = None) -> PatientQuerySet:
    """Patients of `clinic` whose last activity lies further back than its policy keeps.

    Annotates `last_activity`: the newest of being added or corrected and of what `ACTIVITY` names. `years` asks what another
    policy would do. Those on legal hold are never due; without a policy nobody is.
    """
    kept = years if years is not None else clinic.retention_years
    if kept is None:
        return Patient.objects.none()
    newest = [_find_newest(*one) for one in ACTIVITY]
    return (
        Patient.objects.filter(clinic=clinic, erased_at__isnull=True, is_on_hold=False)
        .annotate(
            last_activity=Greatest(F("created_at"), Coalesce(F("corrected_at"), F("created_at")), *newest)
        )
        .filter(last_activity__lt=years_ago(kept))
        .order_by("last_activity", "pk")
    )


def _find_newest(model: type[models.Model], patient: str, moment: str) -> Coalesce:
    rows = model._default_manager.filter(**{patient: OuterRef("pk")}).order_by(f"-{moment}")  # noqa: SLF001 (Django's own name for it)
    return Coalesce(Subquery(rows.values(moment)[:1]), F("created_at"))


def years_ago(years: int) -> dt.datetime:
    """The same moment `years` earlier; 29 February becomes 28."""
    now = timezone.now()
    try:
        return now.replace(year=now.year - years)
    except ValueError:
        return now.replace(year=now.year - years, day=28)


def apply_retention(clinic: Clinic) -> int:
    """Erase every patient that is due, each in a transaction of its own; return how many.

    Killed at any moment and begun again, it goes on where it was; two at once erase nobody twice.
    """
    failures: list[Exception] = []
    count = _erase_due(clinic, failures)
    if failures:
        raise failures[0]
    return count


def run_automatic_retention(*, budget_seconds: float) -> None:
    """Do the same for each clinic that lets its policy erase by itself; wake the next where time is up."""
    until = time.monotonic() + budget_seconds
    failures: list[Exception] = []
    for clinic in Clinic.objects.filter(retention_automatic_since__isnull=False):
        _erase_due(clinic, failures, is_automatic=True, until=until)
        if time.monotonic() >= until:
            send_wake_up(APPLY_RETENTION)
            break
    if failures:
        raise failures[0]


def _erase_due(
    clinic: Clinic, failures: list[Exception], *, is_automatic: bool = False, until: float = math.inf
) -> int:
    count = 0
    for key in list(find_due(clinic).values_list("pk", flat=True)):
        if time.monotonic() >= until:
            break
        try:
            count += _erase_if_due(clinic.pk, key, is_automatic=is_automatic)
        except Exception as error:
            # One patient must not keep the others: each is told here, and the first raised at the end.
            log.exception("patient_not_erased", patient=str(key))
            failures.append(error)
    if count:
        record_event(
            clinic_id=clinic.pk,
            action="clinic.retention_applied",
            obj=clinic,
            details={"patients": count, "automatic": is_automatic},
        )
    return count


def _erase_if_due(clinic_id: uuid.UUID, key: uuid.UUID, *, is_automatic: bool) -> bool:
    """Ask once more: since the list was made there may be a case, a hold or another policy.

    Under the patient's lock, which everybody takes who submits a case or sets a hold.
    """
    with transaction.atomic():
        Patient.objects.select_for_update().get(pk=key)
        clinic = Clinic.objects.get(pk=clinic_id)
        if is_automatic and clinic.retention_automatic_since is None:
            return False
        patient = find_due(clinic).filter(pk=key).first()
        if patient is None:
            return False
        erase_patient(actor=None, patient=patient, reason=ErasureReason.RETENTION)
    return True


# --- Legal hold ---------------------------------------------------------------------------------
# It keeps a patient's data from being erased, by hand or by policy.


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
