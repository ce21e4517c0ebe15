"""What a clinic's retention policy would erase, and doing so."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import structlog
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from classifier.models import Patient, Review, Submission
from classifier.services.erasure import erase_patient
from classifier.services.errors import ConflictError
from classifier.vocabulary import ErasureReason

if TYPE_CHECKING:
    from classifier.models.patient import PatientQuerySet
    from portal.accounts.models import Clinic

log = structlog.get_logger(__name__)


def find_due(clinic: Clinic, *, years: int | None = None) -> PatientQuerySet:
    """Patients of `clinic` whose last activity lies further back than its policy keeps.

    Annotates `last_activity`: the newest of being added, a case and a signed review. `years` asks
    what another policy would do. Those on legal hold are never due; without a policy nobody is.
    """
    kept = years if years is not None else clinic.retention_years
    if kept is None:
        return Patient.objects.none()
    cases = Submission.objects.filter(lesion__patient=OuterRef("pk")).order_by("-submitted_at")
    reviews = Review.objects.filter(submission__lesion__patient=OuterRef("pk")).order_by("-signed_at")
    return (
        Patient.objects.filter(clinic=clinic, erased_at__isnull=True, is_on_hold=False)
        .annotate(
            last_activity=Greatest(
                F("created_at"),
                Coalesce(Subquery(cases.values("submitted_at")[:1]), F("created_at")),
                Coalesce(Subquery(reviews.values("signed_at")[:1]), F("created_at")),
            )
        )
        .filter(last_activity__lt=years_ago(kept))
        .order_by("last_activity", "pk")
    )


def years_ago(years: int) -> dt.datetime:
    """The same moment `years` earlier; 29 February becomes 28."""
    now = timezone.now()
    try:
        return now.replace(year=now.year - years)
    except ValueError:
        return now.replace(year=now.year - years, day=28)


def apply_retention(clinic: Clinic) -> int:
    """Erase every patient that is due, each in a transaction of its own; return how many."""
    count = 0
    for patient in list(find_due(clinic)):
        try:
            erase_patient(actor=None, patient=patient, reason=ErasureReason.RETENTION)
        except ConflictError as error:
            # Held or erased since the list was made.
            log.info("patient_not_erased", patient=str(patient.pk), code=error.code)
        else:
            count += 1
    return count
