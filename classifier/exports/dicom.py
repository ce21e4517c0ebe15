"""DICOM export: an image leaves the portal, with one event that says who took it, and how named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.intake.stored import read_derivative
from classifier.models import SubmissionImage
from portal.trust.accounts.permissions import is_allowed, require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import uuid

    from classifier.models import Patient
    from portal.trust.accounts.models import User

DICOM_TYPE = "application/dicom"
PSEUDONYMOUS, IDENTIFIED = "pseudonymous", "identified"
NAMINGS = (PSEUDONYMOUS, IDENTIFIED)


@dataclass(frozen=True)
class DicomExport:
    """The file, and a name for it that tells nothing."""

    data: bytes
    filename: str


def export_image(*, actor: User, image_id: uuid.UUID, naming: str = PSEUDONYMOUS) -> DicomExport:
    """The DICOM file of an image, by pseudonym or by record number and birth date.

    Only who treats the patient may take it identified. Raises PermissionDenied; InvalidInputError
    (naming_unknown, record_number_unfit); ConflictError (consent_withdrawn, patient_erased);
    UnavailableError (image_unavailable).
    """
    # Half a second and 40 MB that most processes never need.
    from classifier.dicom.photograph import build_photograph  # noqa: PLC0415

    rows = SubmissionImage.objects.select_related("clinic", "submission__lesion__patient")
    image = rows.get(pk=image_id)
    require(actor, image.clinic_id, Action.EXPORT)
    _check_patient(image.submission.lesion.patient)
    if naming not in NAMINGS:
        raise InvalidInputError(
            "naming_unknown", f"The patient can be {' or '.join(NAMINGS)}.", field="patient"
        )
    if naming == IDENTIFIED:
        _check_identified(actor, image)
    jpeg = read_derivative(image)
    with transaction.atomic():
        record_event(
            clinic_id=image.clinic_id,
            action="submissionimage.exported",
            actor=actor,
            obj=image,
            details={"format": "DICOM", "patient": naming},
        )
    return DicomExport(build_photograph(image, jpeg, is_identified=naming == IDENTIFIED), f"{image.pk}.dcm")


def _check_patient(patient: Patient) -> None:
    if patient.erased_at is not None:
        raise ConflictError(
            "patient_erased", "The patient's data were erased, so there is no image to export."
        )
    if patient.consents_to_training is False:
        raise ConflictError(
            "consent_withdrawn", "The patient withdrew the consent to exports, so this image stays here."
        )


def _check_identified(actor: User, image: SubmissionImage) -> None:
    if not is_allowed(actor, image.clinic_id, Action.SUBMIT):
        raise PermissionDenied("Your role in this clinic can export images under a pseudonym only.")
    mrn = image.submission.lesion.patient.mrn
    if "\\" in mrn or not mrn.isprintable():
        # To a reader of DICOM a backslash begins another value, and so another patient.
        raise InvalidInputError(
            "record_number_unfit",
            "This record number holds a backslash or a control character, which DICOM can't carry. "
            "Export the image under the pseudonym.",
            field="patient",
        )
