"""Patients: make one, and correct their facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from classifier.consents import describe_origin, record_consent, write_consent
from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.limits import check_length
from classifier.domain.record_numbers import clean_mrn
from classifier.domain.vocabulary import ConsentOrigin, ConsentPurpose, Sex, SkinType
from classifier.models import Patient
from classifier.preconditions import check_unchanged
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import Entry, record_event

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection

    from portal.trust.accounts.models import Clinic, User

OLDEST_AGE_YEARS = 130


def create_patient(
    *,
    actor: User,
    clinic: Clinic,
    mrn: str,
    birth_date: dt.date | None = None,
    sex: str = Sex.UNKNOWN,
    skin_type: str = "",
    consents_to_inference: bool | None = None,
) -> Patient:
    """Create a patient of `clinic`; `consents_to_inference` is what the patient said, None if nobody asked.

    A clinic that records consent elsewhere needs no word here: it is noted as given, with that origin.
    Raises PermissionDenied, InvalidInputError (mrn_missing, mrn_too_long, birth_date_impossible,
    sex_unknown, skin_type_unknown) or ConflictError (mrn_taken).
    """
    require(actor, clinic, Action.SUBMIT)
    mrn = check_mrn(mrn)
    check_patient_facts(birth_date=birth_date, sex=sex, skin_type=skin_type)
    origin = ConsentOrigin.STATED
    if consents_to_inference is None and clinic.consent_recorded_in:
        consents_to_inference, origin = True, ConsentOrigin.ELSEWHERE
    try:
        with transaction.atomic():
            patient = Patient.objects.create(
                clinic=clinic,
                mrn=mrn,
                birth_date=birth_date,
                sex=sex,
                skin_type=skin_type,
                consents_to_inference=consents_to_inference,
                created_by=actor,
            )
            details = {}
            if consents_to_inference is not None:
                consent = write_consent(
                    actor=actor,
                    patient=patient,
                    purpose=ConsentPurpose.INFERENCE,
                    is_given=consents_to_inference,
                    origin=origin,
                )
                details = {**describe_origin(consent), "is_given": consents_to_inference}
            record_event(
                clinic_id=clinic.pk, action="patient.created", actor=actor, obj=patient, details=details
            )
    except IntegrityError as error:
        if Patient.objects.filter(clinic=clinic, mrn=mrn).exists():
            raise mrn_taken() from error
        raise
    return patient


def mrn_taken() -> ConflictError:
    """The refusal of a new patient whose record number the clinic knows."""
    return ConflictError(
        "mrn_taken",
        "A patient with this MRN is already in your clinic. Choose that patient instead.",
        field="mrn",
    )


def update_patient(
    *, actor: User, patient: Patient, expected: Collection[str] | None = None, **changes: Any
) -> Patient:
    """Correct birth_date, sex, skin_type or consents_to_inference; the event names the fields.

    Raises PermissionDenied, InvalidInputError, or ChangedError unless the tag is an `expected` one.
    """
    require(actor, patient.clinic_id, Action.SUBMIT)
    allowed = {"birth_date", "sex", "skin_type", "consents_to_inference"}
    if unknown := set(changes) - allowed:
        raise TypeError(f"expected fields in {sorted(allowed)}, received {sorted(unknown)}")
    consent = changes.pop("consents_to_inference", None)
    with transaction.atomic():
        patient = Patient.objects.select_for_update().get(pk=patient.pk)
        check_unchanged(patient, expected)
        if consent is not None:
            patient = record_consent(
                actor=actor, patient=patient, purpose=ConsentPurpose.INFERENCE, is_given=consent
            )
        changed = [name for name, value in changes.items() if getattr(patient, name) != value]
        for name in changed:
            setattr(patient, name, changes[name])
        check_patient_facts(birth_date=patient.birth_date, sex=patient.sex, skin_type=patient.skin_type)
        if changed:
            patient.corrected_at = timezone.now()
            patient.save(update_fields=[*changed, "corrected_at"])
            record_event(
                clinic_id=patient.clinic_id,
                action="patient.updated",
                actor=actor,
                obj=patient,
                details={"fields": sorted(changed)},
            )
    return patient


def complete_patient(*, actor: User, patient: Patient, facts: dict[str, Any]) -> list[Entry]:
    """Keep `facts` (birth_date, sex, skin_type) of a patient who lacked them.

    The caller has checked them, holds the patient's lock and may submit in the clinic; it records the event
    that is returned after its last change of a row.
    """
    for name, value in facts.items():
        setattr(patient, name, value)
    patient.corrected_at = timezone.now()
    patient.save(update_fields=[*facts, "corrected_at"])
    details = {"fields": sorted(facts)}
    return [
        Entry(
            clinic_id=patient.clinic_id,
            action="patient.updated",
            actor=actor,
            obj=patient,
            details=details,
        )
    ]


def check_mrn(mrn: str) -> str:
    """The record number, cleaned. Raises InvalidInputError (mrn_missing, mrn_too_long)."""
    mrn = clean_mrn(mrn)
    if not mrn:
        raise InvalidInputError("mrn_missing", "Give the medical record number.", field="mrn")
    check_length(Patient, "mrn", mrn, what="The MRN")
    return mrn


def check_patient_facts(*, birth_date: dt.date | None, sex: str, skin_type: str) -> None:
    """Raises InvalidInputError (birth_date_impossible, sex_unknown, skin_type_unknown)."""
    today = timezone.localdate()
    if birth_date and not (0 <= today.year - birth_date.year <= OLDEST_AGE_YEARS):
        raise InvalidInputError(
            "birth_date_impossible",
            f"The birth date lies in {birth_date.year}; it can be from "
            f"{today.year - OLDEST_AGE_YEARS} to today.",
            field="birth_date",
        )
    if birth_date and birth_date > today:
        raise InvalidInputError(
            "birth_date_impossible", "The birth date lies in the future.", field="birth_date"
        )
    if sex not in Sex.values:
        raise InvalidInputError("sex_unknown", f"Sex can be one of {', '.join(Sex.values)}.", field="sex")
    if skin_type and skin_type not in SkinType.values:
        raise InvalidInputError(
            "skin_type_unknown",
            f"Skin type can be one of {', '.join(SkinType.values)}, or empty.",
            field="skin_type",
        )
