"""A submission over REST: which rows of the caller its fields name. What may be is asked by the intake."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from classifier.domain.errors import InvalidInputError
from classifier.domain.vocabulary import Source
from classifier.intake.submission import (
    LESION_FACTS,
    CaseLesion,
    CasePatient,
    Question,
    Submitted,
    submit_case,
)
from classifier.models.submission import QUESTION_TEXTS
from portal.trust.accounts.models import Clinic

if TYPE_CHECKING:
    from classifier.models import Lesion, Patient
    from portal.trust.accounts.models import User

HOW_TO_CONSENT = "Send the answer as consents_to_inference, true or false."
PATIENT_FACTS = ("birth_date", "sex", "skin_type", "consents_to_inference")
FIELDS = {"mrn": "patient_mrn"}
CODES = {"lesion_of_another_patient": "lesion_mismatch"}
"""Names that this API gave to fields and codes of the intake; they stay."""


def take_submission(*, user: User, data: dict[str, Any], request_key: uuid.UUID | None) -> Submitted:
    """Create the submission that `data` asks for, with its patient and lesion where they are new.

    The same `request_key` gives the submission that the first request made. Raises what `submit_case` does,
    and InvalidInputError (clinic_missing).
    """
    lesion: Lesion | None = data.get("lesion")
    known: Patient | None = data.get("patient") or (lesion.patient if lesion is not None else None)
    facts = {name: data[name] for name in PATIENT_FACTS if name in data}
    try:
        return submit_case(
            actor=user,
            clinic=data.get("clinic") or (known.clinic if known else find_only_clinic(user)),
            patient=CasePatient(known=known, mrn=data.get("patient_mrn", ""), **facts),
            lesion=CaseLesion(known=lesion, **{name: data[name] for name in LESION_FACTS if name in data}),
            images=data["images"],
            question=Question(
                **{name: data[name] for name in (*QUESTION_TEXTS, "priority")},
                source=Source.API,
                request_key=request_key or uuid.uuid4(),
            ),
            how_to_consent=HOW_TO_CONSENT,
        )
    except InvalidInputError as error:
        error.field = FIELDS.get(error.field, error.field)
        error.code = CODES.get(error.code, error.code)
        raise


def find_only_clinic(user: User) -> Clinic:
    """The clinic of a caller who has one. Raises InvalidInputError (clinic_missing)."""
    clinics = list(Clinic.objects.visible_to(user)[:2])
    if len(clinics) != 1:
        raise InvalidInputError(
            "clinic_missing", "You belong to more than one clinic: name one.", field="clinic"
        )
    return clinics[0]
