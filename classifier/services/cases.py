"""Submit a whole case at once: patient, lesion and images of one form, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from classifier.cases.standing import lock_cases
from classifier.models import Lesion, Patient
from classifier.services.consents import state_inference_consent
from classifier.services.errors import ConflictError, InvalidInputError
from classifier.services.lesions import create_lesion
from classifier.services.patients import create_patient
from classifier.services.submissions import create_submission, find_by_request_key
from classifier.vocabulary import Laterality, Sex

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from classifier.models import Submission
    from classifier.services.images import NewImage
    from classifier.services.submissions import Question
    from portal.accounts.models import Clinic, User


@dataclass(frozen=True, kw_only=True)
class NewPatient:
    """A patient to be created with the case."""

    mrn: str
    birth_date: dt.date | None = None
    sex: str = Sex.UNKNOWN
    skin_type: str = ""
    consents_to_inference: bool | None = None
    """What the patient said of being judged by a model; None where nobody asked."""


@dataclass(frozen=True, kw_only=True)
class NewLesion:
    """A lesion to be created with the case."""

    body_site: str
    laterality: str = Laterality.UNSPECIFIED
    note: str = ""


class _SentTwiceError(Exception):
    """The same form was committed while this one was on its way."""


def submit_case(
    *,
    actor: User,
    clinic: Clinic,
    patient: Patient | NewPatient,
    lesion: Lesion | NewLesion,
    images: Sequence[NewImage],
    question: Question,
    consents_to_inference: bool | None = None,
) -> Submission:
    """Create what is new of patient and lesion, and the submission, in one transaction.

    `consents_to_inference` is what came with the case for a known patient; a NewPatient has its own.

    The same `question.request_key` again returns what the first call made and creates nothing.
    Raises what create_patient, create_lesion and create_submission raise, and InvalidInputError
    (lesion_of_another_patient, consent_mismatch).
    """
    key = question.request_key
    says_nothing = consents_to_inference is None
    if isinstance(patient, Patient) and isinstance(lesion, Lesion) and says_nothing:
        # One service, one transaction of its own: files are written before it, not within.
        spot = _take_lesion(actor, patient, lesion)
        return create_submission(actor=actor, lesion=spot, images=images, question=question)
    try:
        with transaction.atomic():
            earlier = find_by_request_key(clinic_id=clinic.pk, request_key=key)
            if earlier is not None:
                return earlier
            if isinstance(lesion, Lesion):
                # What the patient says leaves an event before the cases of the lesion change.
                lock_cases(lesions=[lesion.pk])
            person = _take_patient(actor, clinic, patient, agrees=consents_to_inference)
            spot = _take_lesion(actor, person, lesion)
            spot.patient = person
            return _submit_own(actor, spot, images, question)
    except (ConflictError, _SentTwiceError):
        earlier = find_by_request_key(clinic_id=clinic.pk, request_key=key)
        if earlier is None:
            raise
        return earlier


def _submit_own(actor: User, lesion: Lesion, images: Sequence[NewImage], question: Question) -> Submission:
    submission = create_submission(actor=actor, lesion=lesion, images=images, question=question)
    if submission.lesion_id != lesion.pk:
        # The other request won after we looked: what we made beside it must go.
        raise _SentTwiceError
    return submission


def _take_patient(
    actor: User, clinic: Clinic, patient: Patient | NewPatient, *, agrees: bool | None
) -> Patient:
    if isinstance(patient, Patient):
        return state_inference_consent(actor=actor, patient=patient, is_given=agrees)
    return create_patient(
        actor=actor,
        clinic=clinic,
        mrn=patient.mrn,
        birth_date=patient.birth_date,
        sex=patient.sex,
        skin_type=patient.skin_type,
        consents_to_inference=patient.consents_to_inference,
    )


def _take_lesion(actor: User, patient: Patient, lesion: Lesion | NewLesion) -> Lesion:
    if isinstance(lesion, NewLesion):
        return create_lesion(
            actor=actor,
            patient=patient,
            body_site=lesion.body_site,
            laterality=lesion.laterality,
            note=lesion.note,
        )
    if lesion.patient_id != patient.pk:
        raise InvalidInputError(
            "lesion_of_another_patient",
            "This lesion belongs to another patient. Choose one of this patient's lesions.",
            field="lesion",
        )
    return lesion
