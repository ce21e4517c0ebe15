"""Lesions: make one, and correct its facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from classifier.domain.errors import InvalidInputError
from classifier.domain.limits import check_length
from classifier.domain.vocabulary import BODY_SITES, Laterality
from classifier.models import Lesion
from classifier.preconditions import check_unchanged
from classifier.standing.locks import lock_patients
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import Entry, record_event

if TYPE_CHECKING:
    from collections.abc import Collection

    from classifier.models import Patient
    from portal.trust.accounts.models import User


def create_lesion(
    *,
    actor: User,
    patient: Patient,
    body_site: str,
    laterality: str = Laterality.UNSPECIFIED,
    note: str = "",
) -> Lesion:
    """Create a lesion of `patient`.

    Raises PermissionDenied or InvalidInputError (body_site_unknown, laterality_unknown,
    note_too_long).
    """
    require(actor, patient.clinic_id, Action.SUBMIT)
    check_lesion_facts(body_site=body_site, laterality=laterality, note=note)
    with transaction.atomic():
        # Before the event, since a case of the lesion may follow in the same transaction.
        lock_patients(patients=[patient.pk])
        lesion = Lesion.objects.create(
            patient=patient,
            body_site=body_site,
            laterality=laterality,
            note=note.strip(),
            created_by=actor,
        )
        record_event(clinic_id=patient.clinic_id, action="lesion.created", actor=actor, obj=lesion)
    return lesion


def update_lesion(
    *, actor: User, lesion: Lesion, expected: Collection[str] | None = None, **changes: str
) -> Lesion:
    """Correct body_site, laterality or note; the event names the fields.

    Raises PermissionDenied, InvalidInputError, or ChangedError unless the tag is an `expected` one.
    """
    require(actor, lesion.patient.clinic_id, Action.SUBMIT)
    allowed = {"body_site", "laterality", "note"}
    if unknown := set(changes) - allowed:
        raise TypeError(f"expected fields in {sorted(allowed)}, received {sorted(unknown)}")
    with transaction.atomic():
        # The patient stays unlocked: PostgreSQL locks every row of a join.
        lesion = Lesion.objects.select_for_update(of=("self",)).select_related("patient").get(pk=lesion.pk)
        check_unchanged(lesion, expected)
        changes = {name: value.strip() for name, value in changes.items()}
        changed = [name for name, value in changes.items() if getattr(lesion, name) != value]
        for name in changed:
            setattr(lesion, name, changes[name])
        check_lesion_facts(body_site=lesion.body_site, laterality=lesion.laterality, note=lesion.note)
        if changed:
            lesion.corrected_at = timezone.now()
            lesion.save(update_fields=[*changed, "corrected_at"])
            record_event(
                clinic_id=lesion.patient.clinic_id,
                action="lesion.updated",
                actor=actor,
                obj=lesion,
                details={"fields": sorted(changed)},
            )
    return lesion


def complete_lesion(*, actor: User, lesion: Lesion, facts: dict[str, str]) -> list[Entry]:
    """Keep `facts` (body_site, laterality, note) of a lesion of which nobody told them before.

    The caller has checked them, holds the locks of patient and lesion and may submit in the clinic; it records
    the event that is returned after its last change of a row.
    """
    for name, value in facts.items():
        setattr(lesion, name, value)
    lesion.corrected_at = timezone.now()
    lesion.save(update_fields=[*facts, "corrected_at"])
    details = {"fields": sorted(facts)}
    return [
        Entry(
            clinic_id=lesion.patient.clinic_id,
            action="lesion.updated",
            actor=actor,
            obj=lesion,
            details=details,
        )
    ]


def check_lesion_facts(*, body_site: str, laterality: str, note: str) -> None:
    """Raises InvalidInputError (body_site_unknown, laterality_unknown, note_too_long)."""
    if body_site not in BODY_SITES:
        raise InvalidInputError("body_site_unknown", "Choose a body site from the list.", field="body_site")
    if laterality not in Laterality.values:
        raise InvalidInputError(
            "laterality_unknown",
            f"Side can be one of {', '.join(Laterality.values)}.",
            field="laterality",
        )
    check_length(Lesion, "note", note, what="The note")
