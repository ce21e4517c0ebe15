"""Histopathology: record what a pathologist found of a lesion, correct it, and list it for the pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone

from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.limits import check_length
from classifier.domain.vocabulary import Histopathology, Procedure
from classifier.models import Lesion, Outcome
from classifier.orders import answer_by_correction, answer_by_specimen
from classifier.preconditions import check_unchanged
from classifier.standing.columns import refresh_lesions, refresh_standing
from classifier.standing.locks import lock_patients
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import Entry, record_events

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection
    from decimal import Decimal

    from portal.trust.accounts.models import User


def list_outcomes(lesion: Lesion) -> list[Outcome]:
    """Of this lesion, newest first, each with whether it is the one that counts."""
    rows = Outcome.objects.filter(lesion=lesion).with_standing().select_related("recorded_by")
    return list(rows.order_by("-recorded_at"))


# --- Recording and correcting -------------------------------------------------------------------
THICKEST_MM = 50


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a pathologist's report says of a specimen."""

    diagnosis: str
    procedure: str
    specimen_taken_on: dt.date
    reported_on: dt.date
    breslow_mm: Decimal | None = None
    comment: str = ""


def record_outcome(*, actor: User, lesion: Lesion, finding: Finding) -> Outcome:
    """Record what was found in a specimen of `lesion`.

    Raises PermissionDenied; InvalidInputError (histopathology_unknown, procedure_unknown,
    date_in_future, reported_before_specimen, breslow_not_apt, breslow_impossible, comment_too_long).
    """
    require(actor, lesion.patient.clinic_id, Action.RECORD_OUTCOME)
    _check(finding)
    with transaction.atomic():
        lock_patients(patients=[lesion.patient_id])
        return _record(actor=actor, lesion=lesion, finding=finding)


def correct_outcome(
    *,
    actor: User,
    outcome: Outcome,
    finding: Finding,
    reason: str,
    expected: Collection[str] | None = None,
) -> Outcome:
    """Record a correction of `outcome`, which must be the one that counts.

    Raises what record_outcome raises; InvalidInputError (reason_missing,
    correction_reason_too_long); ConflictError (already_corrected); ChangedError unless its tag is an
    `expected` one.
    """
    require(actor, outcome.lesion.patient.clinic_id, Action.RECORD_OUTCOME)
    _check(finding)
    reason = reason.strip()
    if not reason:
        raise InvalidInputError("reason_missing", "Say why you change it.", field="correction_reason")
    check_length(Outcome, "correction_reason", reason, what="The reason")
    try:
        with transaction.atomic():
            # Corrections of one lesion follow each other.
            lock_patients(patients=[outcome.lesion.patient_id])
            Lesion.objects.select_for_update().get(pk=outcome.lesion_id)
            check_unchanged(outcome, expected)
            return _record(
                actor=actor, lesion=outcome.lesion, finding=finding, corrects=outcome, reason=reason
            )
    except IntegrityError as error:
        raise ConflictError(
            "already_corrected",
            "Somebody corrected this outcome before you. Read the correction, then correct that one.",
        ) from error


def _record(
    *, actor: User, lesion: Lesion, finding: Finding, corrects: Outcome | None = None, reason: str = ""
) -> Outcome:
    outcome = Outcome.objects.create(
        lesion=lesion,
        diagnosis=finding.diagnosis,
        procedure=finding.procedure,
        specimen_taken_on=finding.specimen_taken_on,
        reported_on=finding.reported_on,
        breslow_mm=finding.breslow_mm,
        comment=finding.comment.strip(),
        recorded_by=actor,
        recorded_at=timezone.now(),
        corrects=corrects,
        correction_reason=reason,
    )
    answer = answer_by_correction if corrects else answer_by_specimen
    events = answer(actor=actor, outcome=outcome)
    refresh_standing(lesion.submissions.values_list("pk", flat=True), actor=actor)
    refresh_lesions([lesion.pk])
    own = Entry(
        clinic_id=lesion.patient.clinic_id,
        action="outcome.corrected" if corrects else "outcome.recorded",
        actor=actor,
        obj=outcome,
        details={"lesion": str(lesion.pk)},
    )
    record_events([*events, own])
    return outcome


def _check(finding: Finding) -> None:
    if finding.diagnosis not in Histopathology.values:
        raise InvalidInputError("histopathology_unknown", "Choose one from the list.", field="diagnosis")
    if finding.procedure not in Procedure.values:
        raise InvalidInputError("procedure_unknown", "Choose one from the list.", field="procedure")
    _check_dates(finding)
    if finding.breslow_mm is not None and finding.diagnosis != Histopathology.MELANOMA_INVASIVE:
        raise InvalidInputError(
            "breslow_not_apt", "Breslow thickness is given for invasive melanoma alone.", field="breslow_mm"
        )
    if finding.breslow_mm is not None and not 0 < finding.breslow_mm <= THICKEST_MM:
        raise InvalidInputError(
            "breslow_impossible",
            f"A Breslow thickness lies above 0 and up to {THICKEST_MM} mm; {finding.breslow_mm} was sent.",
            field="breslow_mm",
        )
    check_length(Outcome, "comment", finding.comment, what="The comment")


def _check_dates(finding: Finding) -> None:
    for name in ("specimen_taken_on", "reported_on"):
        if getattr(finding, name) > timezone.localdate():
            raise InvalidInputError("date_in_future", "This date lies in the future.", field=name)
    if finding.reported_on < finding.specimen_taken_on:
        raise InvalidInputError(
            "reported_before_specimen",
            "The report is dated before the specimen was taken.",
            field="reported_on",
        )
