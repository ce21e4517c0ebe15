"""One request, one case: what was sent is resolved, looked at and handed to the service."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from classifier.api.errors import refuse_images
from classifier.intake import RejectedImageError, inspect_image
from classifier.limits import UploadLimits, describe_bytes
from classifier.models import Lesion, Patient, Submission
from classifier.services.cases import NewLesion, NewPatient, submit_case
from classifier.services.consents import NEVER_ASKED
from classifier.services.errors import ConflictError, InvalidInputError
from classifier.services.images import NewImage, find_same_picture
from classifier.services.rate_limits import check_active_predictions
from classifier.services.submissions import Question, find_by_request_key
from classifier.vocabulary import CaptureKind, Source
from portal.accounts.models import Clinic
from portal.accounts.permissions import require
from portal.accounts.roles import Action

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from classifier.api.serializers.intake import SentImage
    from portal.accounts.models import User


@dataclass(frozen=True)
class Accepted:
    submission: Submission
    notices: list[dict[str, str]] = field(default_factory=list)


def take_submission(*, user: User, data: dict[str, Any], request_key: uuid.UUID | None) -> Accepted:
    """Create the submission that `data` asks for, with its patient and lesion where they are new.

    The same `request_key` gives the submission that the first request made. Raises DRF's
    ValidationError, PermissionDenied or a ServiceError; then nothing is left behind.
    """
    clinic = resolve_clinic(user=user, data=data)
    require(user, clinic, Action.SUBMIT)
    request_key = request_key or uuid.uuid4()
    if earlier := find_by_request_key(clinic_id=clinic.pk, request_key=request_key):
        return Accepted(earlier)
    judged = sum(one.capture_kind == CaptureKind.DERMOSCOPIC for one in data["images"])
    check_active_predictions(clinic_id=clinic.pk, more=judged)
    images = inspect_uploads(data["images"])
    notices = collect_notices(clinic=clinic, images=images)
    question = Question(
        clinical_question=data["clinical_question"],
        clinical_history=data["clinical_history"],
        priority=data["priority"],
        source=Source.API,
        request_key=request_key,
    )
    submission = _submit(user, clinic, data, images, question)
    return Accepted(submission, notices)


def _submit(
    user: User, clinic: Clinic, data: dict[str, Any], images: list[NewImage], question: Question
) -> Submission:
    def submit() -> Submission:
        return submit_case(
            actor=user,
            clinic=clinic,
            patient=choose_patient(clinic=clinic, data=data),
            lesion=choose_lesion(data),
            images=images,
            question=question,
            consents_to_inference=data["consents_to_inference"],
        )

    try:
        return submit()
    except ConflictError as error:
        if error.code != "mrn_taken":
            raise
        # Somebody created the patient a moment ago: now it is found.
        return submit()
    except InvalidInputError as error:
        if error.field == "mrn":
            error.field = "patient_mrn"
        if error.code == "consent_missing" and data["consents_to_inference"] is None:
            raise ask_for_consent(error) from error
        raise


def ask_for_consent(error: InvalidInputError) -> InvalidInputError:
    """The same refusal, saying what a program sends where nobody asked the patient before."""
    if error.message != NEVER_ASKED:
        return error
    words = f"{NEVER_ASKED} Send the answer as consents_to_inference, true or false."
    return InvalidInputError(error.code, words, field="consents_to_inference")


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


def choose_patient(*, clinic: Clinic, data: dict[str, Any]) -> Patient | NewPatient:
    """The patient named, the one with the record number, or a new one."""
    mrn = " ".join(data.get("patient_mrn", "").split())
    known = resolve_known_patient(data) or Patient.objects.filter(clinic=clinic, mrn=mrn).first()
    if known is None:
        names = ("birth_date", "sex", "skin_type", "consents_to_inference")
        given = {name: data[name] for name in names if name in data}
        return NewPatient(mrn=mrn, **given)
    check_same_person(patient=known, mrn=mrn, birth_date=data.get("birth_date"))
    return known


def choose_lesion(data: dict[str, Any]) -> Lesion | NewLesion:
    lesion: Lesion | None = data.get("lesion")
    if lesion is not None:
        return lesion
    given = {name: data[name] for name in ("laterality", "note") if name in data}
    return NewLesion(body_site=data["body_site"], **given)


def check_same_person(*, patient: Patient, mrn: str, birth_date: dt.date | None) -> None:
    """A slip in the record number would put one person's lesion into another's history."""
    if mrn and mrn != patient.mrn:
        raise InvalidInputError(
            "mrn_mismatch", "This patient has another record number.", field="patient_mrn"
        )
    if birth_date and patient.birth_date and birth_date != patient.birth_date:
        raise InvalidInputError(
            "birth_date_mismatch",
            "The patient with this record number has another birth date. Check both.",
            field="birth_date",
        )


def inspect_uploads(uploads: Sequence[SentImage]) -> list[NewImage]:
    """Look at every image, so that the sender hears of all that is wrong at once."""
    limits = UploadLimits.from_settings()
    taken: list[NewImage] = []
    refused: dict[int, RejectedImageError] = {}
    for index, upload in enumerate(uploads):
        try:
            taken.append(_inspect(upload, limits))
        except RejectedImageError as error:
            refused[index] = error
    if refused:
        raise refuse_images(refused)
    return taken


def _inspect(sent: SentImage, limits: UploadLimits) -> NewImage:
    upload = sent.file
    size = upload.size or 0
    if size > limits.max_bytes:
        # Told from its size alone: a file this large is not read into memory.
        raise RejectedImageError(
            "file_too_large",
            f"This file is {describe_bytes(size)}; "
            f"at most {describe_bytes(limits.max_bytes)} are accepted. Send a smaller copy.",
        )
    name = upload.name or ""
    return NewImage.from_intake(
        inspect_image(upload.read(), name, limits),
        original_name=name,
        capture_kind=sent.capture_kind,
        dermoscopic_type=sent.dermoscopic_type,
    )


def collect_notices(*, clinic: Clinic, images: Sequence[NewImage]) -> list[dict[str, str]]:
    """What is worth a look: quality, a wrong file name, a picture that the clinic has already."""
    notices = []
    for index, image in enumerate(images):
        attr = f"images.{index}"
        notices += [{"attr": attr, "code": notice.code, "detail": notice.message} for notice in image.notices]
        if same := find_same_picture(clinic_id=clinic.pk, pixel_sha256=image.pixel_sha256):
            detail = f"Your clinic already has this picture, in submission {same.submission_id}."
            notices.append({"attr": attr, "code": "same_picture", "detail": detail})
    return notices
