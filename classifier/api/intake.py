"""One request, one submission: images looked at first, then everything in one transaction."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction

from classifier.api.errors import refuse_images
from classifier.intake import IntakeImage, RejectedImageError, inspect_image
from classifier.limits import UploadLimits, describe_bytes
from classifier.models import Lesion, Patient, Submission
from classifier.services.errors import ConflictError, InvalidInputError
from classifier.services.images import NewImage, find_same_picture
from classifier.services.lesions import create_lesion
from classifier.services.patients import create_patient
from classifier.services.submissions import Question, create_submission, find_by_request_key
from classifier.vocabulary import Source
from portal.accounts.models import Clinic
from portal.accounts.permissions import require
from portal.accounts.roles import Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.files.uploadedfile import UploadedFile

    from portal.accounts.models import User

KEY_LIMIT = 128


@dataclass(frozen=True)
class Accepted:
    submission: Submission
    notices: list[dict[str, str]] = field(default_factory=list)


def take_submission(*, user: User, data: dict[str, Any], key: str | None) -> Accepted:
    """Create the submission that `data` asks for, with its patient and lesion where they are new.

    The same `key` in the same clinic gives the submission that the first request made. Raises
    DRF's ValidationError, PermissionDenied or a ServiceError; then nothing is left behind.
    """
    clinic = resolve_clinic(user=user, data=data)
    require(user, clinic, Action.SUBMIT)
    request_key = make_request_key(clinic=clinic, key=key)
    if earlier := find_by_request_key(clinic_id=clinic.pk, request_key=request_key):
        return Accepted(earlier)
    # Decoding takes long and the transaction holds locks: first the one, then the other.
    intakes = inspect_uploads(data["images"])
    notices = collect_notices(clinic=clinic, intakes=intakes)
    with transaction.atomic():
        lesion = resolve_lesion(user=user, clinic=clinic, data=data)
        submission = create_submission(
            actor=user,
            lesion=lesion,
            images=[
                NewImage(intake=intake, original_name=upload.name or "")
                for intake, upload in zip(intakes, data["images"], strict=True)
            ],
            question=Question(
                clinical_question=data["clinical_question"],
                clinical_history=data["clinical_history"],
                priority=data["priority"],
                source=Source.API,
                request_key=request_key,
            ),
        )
        if submission.lesion_id != lesion.pk:
            # A request with the same key was faster: what this one made besides goes again.
            transaction.set_rollback(True)
            return Accepted(submission)
    return Accepted(submission, notices)


def make_request_key(*, clinic: Clinic, key: str | None) -> uuid.UUID:
    """Keys of two clinics never meet: the same word names another request in each."""
    if key is None:
        return uuid.uuid4()
    key = key.strip()
    if not 0 < len(key) <= KEY_LIMIT:
        raise InvalidInputError(
            "idempotency_key_length",
            f"The Idempotency-Key has {len(key)} characters; it can have 1 to {KEY_LIMIT}.",
            field="Idempotency-Key",
        )
    return uuid.uuid5(clinic.pk, key)


def resolve_clinic(*, user: User, data: dict[str, Any]) -> Clinic:
    """The clinic of the lesion, the patient, the request, or the only one that the caller has."""
    patient = resolve_known_patient(data)
    chosen: Clinic | None = data.get("clinic")
    if patient is not None:
        if chosen is not None and chosen != patient.clinic:
            raise InvalidInputError(
                "clinic_mismatch", "This patient belongs to another clinic.", field="clinic"
            )
        return patient.clinic
    if chosen is not None:
        return chosen
    clinics = list(Clinic.objects.visible_to(user)[:2])
    if len(clinics) != 1:
        raise InvalidInputError(
            "clinic_missing", "You belong to more than one clinic: name one.", field="clinic"
        )
    return clinics[0]


def resolve_known_patient(data: dict[str, Any]) -> Patient | None:
    lesion: Lesion | None = data.get("lesion")
    patient: Patient | None = data.get("patient")
    if lesion is None:
        return patient
    if patient is not None and patient != lesion.patient:
        raise InvalidInputError("lesion_mismatch", "This lesion belongs to another patient.", field="lesion")
    return lesion.patient


def resolve_lesion(*, user: User, clinic: Clinic, data: dict[str, Any]) -> Lesion:
    patient = resolve_known_patient(data) or find_or_create_patient(user=user, clinic=clinic, data=data)
    check_same_person(patient=patient, data=data)
    if lesion := data.get("lesion"):
        return lesion
    given = {name: data[name] for name in ("laterality", "note") if name in data}
    return create_lesion(actor=user, patient=patient, body_site=data["body_site"], **given)


def find_or_create_patient(*, user: User, clinic: Clinic, data: dict[str, Any]) -> Patient:
    mrn = " ".join(data["patient_mrn"].split())
    known = Patient.objects.filter(clinic=clinic, mrn=mrn)
    if patient := known.select_related("clinic").first():
        return patient
    given = {name: data[name] for name in ("birth_date", "sex", "skin_type") if name in data}
    try:
        return create_patient(actor=user, clinic=clinic, mrn=mrn, **given)
    except ConflictError:
        # Somebody created the patient a moment ago.
        return known.select_related("clinic").get()
    except InvalidInputError as error:
        if error.field == "mrn":
            error.field = "patient_mrn"
        raise


def check_same_person(*, patient: Patient, data: dict[str, Any]) -> None:
    """A slip in the record number would put one person's lesion into another's history."""
    said_mrn = " ".join(data.get("patient_mrn", "").split())
    if said_mrn and said_mrn != patient.mrn:
        raise InvalidInputError(
            "mrn_mismatch", "This patient has another record number.", field="patient_mrn"
        )
    said = data.get("birth_date")
    if said and patient.birth_date and said != patient.birth_date:
        raise InvalidInputError(
            "birth_date_mismatch",
            "The patient with this record number has another birth date. Check both.",
            field="birth_date",
        )


def inspect_uploads(uploads: Sequence[UploadedFile]) -> list[IntakeImage]:
    """Look at every image, so that the sender hears of all that is wrong at once."""
    limits = UploadLimits.from_settings()
    taken: list[IntakeImage] = []
    refused: dict[int, RejectedImageError] = {}
    for index, upload in enumerate(uploads):
        try:
            taken.append(_inspect(upload, limits))
        except RejectedImageError as error:
            refused[index] = error
    if refused:
        raise refuse_images(refused)
    return taken


def _inspect(upload: UploadedFile, limits: UploadLimits) -> IntakeImage:
    size = upload.size or 0
    if size > limits.max_bytes:
        # Told from its size alone: a file this large is not read into memory.
        raise RejectedImageError(
            "file_too_large",
            f"This file is {describe_bytes(size)}; "
            f"at most {describe_bytes(limits.max_bytes)} are accepted. Send a smaller copy.",
        )
    return inspect_image(upload.read(), upload.name or "", limits)


def collect_notices(*, clinic: Clinic, intakes: Sequence[IntakeImage]) -> list[dict[str, str]]:
    """What is worth a look: quality, a wrong file name, a picture that the clinic has already."""
    notices = []
    for index, intake in enumerate(intakes):
        attr = f"images.{index}"
        notices += [
            {"attr": attr, "code": notice.code, "detail": notice.message} for notice in intake.warnings
        ]
        if same := find_same_picture(clinic_id=clinic.pk, pixel_sha256=intake.pixel_sha256):
            detail = f"Your clinic already has this picture, in submission {same.submission_id}."
            notices.append({"attr": attr, "code": "same_picture", "detail": detail})
    return notices
