"""Send a folder of images through the same services as a page does, each file once."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from classifier.intake import RejectedImageError, inspect_image
from classifier.limits import UploadLimits
from classifier.models import Patient, Submission
from classifier.services.consents import state_inference_consent
from classifier.services.errors import InvalidInputError
from classifier.services.images import NewImage
from classifier.services.lesions import create_lesion
from classifier.services.patients import create_patient
from classifier.services.submissions import Question, create_submission, find_by_request_key
from classifier.vocabulary import UNSPECIFIED_SITE, CaptureKind, Laterality, Sex, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from portal.accounts.models import Clinic, User

NAMESPACE = uuid.UUID("0c1c6a52-3a3f-4f8c-8f57-3f1f9a1c2b77")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".dcm"})
COLUMNS = (
    "file",
    "mrn",
    "birth_date",
    "sex",
    "skin_type",
    "body_site",
    "laterality",
    "clinical_question",
    "consents_to_inference",
    "capture_kind",
    "dermoscopic_type",
)
ANSWERS = {"yes": True, "no": False, "": None}


@dataclass(frozen=True, kw_only=True)
class FolderFile:
    """One file and what the manifest says of it (all of it may be missing)."""

    path: Path
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """What became of one file: `submitted`, `known` (sent before) or `refused` with a reason."""

    file: FolderFile
    verdict: str
    submission: Submission | None = None
    reason: str = ""


def list_folder(folder: Path, manifest: Path | None = None) -> list[FolderFile]:
    """The images below `folder` in name order, or those that the manifest names.

    `manifest` is a CSV file with a column `file` (relative to the folder) and any of mrn,
    birth_date (YYYY-MM-DD), sex, skin_type, body_site, laterality, clinical_question,
    consents_to_inference (yes or no), capture_kind, dermoscopic_type.
    Raises InvalidInputError (manifest_columns_unknown, manifest_file_missing).
    """
    if manifest is None:
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        return [FolderFile(path=path) for path in found]
    with manifest.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        columns = set(reader.fieldnames or ())
        if "file" not in columns or columns - set(COLUMNS):
            raise InvalidInputError(
                "manifest_columns_unknown",
                f"The manifest needs the column file and may have {', '.join(COLUMNS[1:])}; "
                f"it has {', '.join(sorted(columns)) or 'none'}.",
            )
        rows = list(reader)
    files = [FolderFile(path=folder / row["file"], facts=row) for row in rows]
    missing = [file.path.name for file in files if not file.path.is_file()]
    if missing:
        raise InvalidInputError(
            "manifest_file_missing",
            f"{len(missing)} files of the manifest are not in the folder; the first is {missing[0]}.",
        )
    return files


def request_key_of(clinic_id: uuid.UUID, data: bytes) -> uuid.UUID:
    """The same bytes in the same clinic always give the same key, so they are one submission."""
    return uuid.uuid5(NAMESPACE, f"{clinic_id}/{hashlib.sha256(data).hexdigest()}")


def submit_files(
    *,
    actor: User,
    clinic: Clinic,
    files: list[FolderFile],
    mrn_prefix: str,
    consents_to_inference: bool | None = None,
) -> Iterator[Sent]:
    """Send each file as a submission of its own; stop at any moment and call it again.

    `consents_to_inference` is what is stated of every new patient whom the manifest says nothing of;
    None is nothing, and then a picture for the model is refused.

    A file without an MRN in the manifest belongs to a patient of its own, named by `mrn_prefix`
    and the first twelve digits of the file's SHA-256.
    """
    limits = UploadLimits.from_settings()
    for file in files:
        yield _submit_file(
            actor=actor,
            clinic=clinic,
            file=file,
            mrn_prefix=mrn_prefix,
            agrees=consents_to_inference,
            limits=limits,
        )


def _submit_file(
    *,
    actor: User,
    clinic: Clinic,
    file: FolderFile,
    mrn_prefix: str,
    agrees: bool | None,
    limits: UploadLimits,
) -> Sent:
    try:
        data = file.path.read_bytes()
    except OSError as error:
        return Sent(file, "refused", reason=f"The file can't be read: {error.strerror}.")
    key = request_key_of(clinic.pk, data)
    known = find_by_request_key(clinic_id=clinic.pk, request_key=key)
    if known is not None:
        return Sent(file, "known", known)
    try:
        intake = inspect_image(data, file.path.name, limits)
        image = NewImage.from_intake(
            intake,
            original_name=file.path.name,
            capture_kind=file.facts.get("capture_kind") or CaptureKind.DERMOSCOPIC,
            dermoscopic_type=file.facts.get("dermoscopic_type") or "",
        )
        # One transaction: stopped in the middle, it leaves no patient without a case.
        with transaction.atomic():
            patient = _find_or_create_patient(
                actor=actor,
                clinic=clinic,
                facts=file.facts,
                default_mrn=f"{mrn_prefix}{intake.sha256[:12]}",
                agrees=agrees,
            )
            lesion = create_lesion(
                actor=actor,
                patient=patient,
                body_site=file.facts.get("body_site") or UNSPECIFIED_SITE,
                laterality=file.facts.get("laterality") or Laterality.UNSPECIFIED,
            )
            submission = create_submission(
                actor=actor,
                lesion=lesion,
                images=[image],
                question=Question(
                    clinical_question=file.facts.get("clinical_question") or "",
                    source=Source.FOLDER,
                    request_key=key,
                ),
            )
    except (RejectedImageError, InvalidInputError) as error:
        return Sent(file, "refused", reason=str(error))
    return Sent(file, "submitted", submission)


def _find_or_create_patient(
    *, actor: User, clinic: Clinic, facts: Mapping[str, str], default_mrn: str, agrees: bool | None
) -> Patient:
    mrn = " ".join((facts.get("mrn") or default_mrn).split())
    known = Patient.objects.filter(clinic=clinic, mrn=mrn).first()
    stated = _read_answer(facts.get("consents_to_inference") or "")
    if known is not None:
        # What is said of every new patient is said of none whom the clinic knows.
        return state_inference_consent(actor=actor, patient=known, is_given=stated)
    return create_patient(
        actor=actor,
        clinic=clinic,
        mrn=mrn,
        birth_date=_parse_date(facts.get("birth_date") or ""),
        sex=facts.get("sex") or Sex.UNKNOWN,
        skin_type=facts.get("skin_type") or "",
        consents_to_inference=agrees if stated is None else stated,
    )


def _read_answer(text: str) -> bool | None:
    if (word := text.strip().lower()) in ANSWERS:
        return ANSWERS[word]
    raise InvalidInputError(
        "consent_unreadable",
        f"consents_to_inference is yes, no or empty; received {len(text)} characters that are neither.",
        field="consents_to_inference",
    )


def _parse_date(text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(
            "birth_date_unreadable",
            f"A birth date reads YYYY-MM-DD; received {len(text)} characters that don't.",
            field="birth_date",
        ) from error
