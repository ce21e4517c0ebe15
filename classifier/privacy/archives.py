"""Data access archive: all that the portal holds of one patient, as a ZIP, on their demand."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from classifier.domain.csv_cells import write_rows
from classifier.models import Patient, Submission, SubmissionImage
from classifier.privacy.archive_facts import CASE_COLUMNS, describe_cases, describe_patient
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.trust.accounts.models import User

EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "TIFF": "tif", "HEIC": "heic"}


def archive_patient(*, actor: User, patient: Patient) -> Iterator[bytes]:
    """The archive, part by part: facts as JSON, cases as CSV, the images as they were sent.

    Recorded before the first byte. Raises PermissionDenied.
    """
    require(actor, patient.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        cases = list(
            Submission.objects.filter(lesion__patient=patient)
            .select_related("clinic", "lesion", "submitted_by", "standing_person")
            .prefetch_related(
                "images__predictions__model_version", "images__outlines__network", "reviews__signed_by"
            )
            .prefetch_related("readings__reader", "reviews__acknowledgements__acknowledged_by")
            .order_by("submitted_at", "pk")
        )
        images = [image for case in cases for image in case.images.all()]
        facts = describe_patient(patient, cases)
        record_event(
            clinic_id=patient.clinic_id,
            action="patient.archived",
            actor=actor,
            obj=patient,
            details={"submissions": len(cases), "images": len(images)},
        )
    return _stream(facts, cases, images)


class _Pipe(io.RawIOBase):
    """What a ZIP file is written to; what arrived is taken out at once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        found = b"".join(self._parts)
        self._parts.clear()
        return found


def _stream(facts: dict[str, Any], cases: list[Submission], images: list[SubmissionImage]) -> Iterator[bytes]:
    """One image in memory at a time."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "patient.json", json.dumps(facts, indent=2, ensure_ascii=False).encode())
        _add(archive, "cases.csv", "".join(write_rows([CASE_COLUMNS, *describe_cases(cases)])).encode())
        yield pipe.take()
        for image in images:
            data = _read(image)
            if data is not None:
                # Named by id: the sender's own file name stands in the JSON, where it can't be a path.
                _add(archive, f"images/{image.pk}.{EXTENSIONS.get(image.format, 'bin')}", data)
                yield pipe.take()
    yield pipe.take()


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, date_time=timezone.localtime().timetuple()[:6])
    # Pictures are compressed already.
    info.compress_type = zipfile.ZIP_STORED if name.startswith("images/") else zipfile.ZIP_DEFLATED
    archive.writestr(info, data)


def _read(image: SubmissionImage) -> bytes | None:
    try:
        with image.original.open("rb") as file:
            data: bytes = file.read()
    except FileNotFoundError:
        return None
    return data
