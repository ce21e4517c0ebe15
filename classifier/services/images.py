"""Put an inspected image where it belongs: original sealed, derivative and thumbnail beside it."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from django.core.files.base import ContentFile

from classifier.intake import build_derivative, build_thumbnail
from classifier.models import SubmissionImage
from classifier.services.errors import UnavailableError
from classifier.vocabulary import CaptureKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models.fields.files import FieldFile

    from classifier.intake import IntakeImage
    from classifier.models import Submission

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class NewImage:
    """An inspected image and what its sender said of it."""

    intake: IntakeImage
    original_name: str = ""
    capture_kind: str = CaptureKind.DERMOSCOPIC


@dataclass
class StoredFiles:
    """Files written for a transaction, so that they go when the transaction fails."""

    written: list[FieldFile] = field(default_factory=list)

    @contextlib.contextmanager
    def removed_on_error(self) -> Iterator[None]:
        """Remove what was written when the block fails; tell a full disk from a bug."""
        try:
            yield
        except BaseException as error:
            for file in self.written:
                with contextlib.suppress(OSError):
                    file.storage.delete(str(file.name))
            if isinstance(error, OSError):
                log.exception("storage_unavailable", errno=error.errno)
                raise UnavailableError(
                    "storage_unavailable",
                    "The image store is full or can't be reached. Nothing was saved; "
                    "tell your operator and send it again.",
                ) from error
            raise


def store_image(
    *, submission: Submission, image: NewImage, position: int, stored: StoredFiles
) -> SubmissionImage:
    """Write the three files of one image and its row, inside the caller's transaction."""
    intake = image.intake
    row = SubmissionImage(
        id=uuid.uuid4(),
        submission=submission,
        clinic_id=submission.clinic_id,
        position=position,
        original_name=image.original_name[:255],
        sha256=intake.sha256,
        pixel_sha256=intake.pixel_sha256,
        format=intake.format,
        byte_size=intake.byte_size,
        width=intake.width,
        height=intake.height,
        capture_kind=image.capture_kind,
        quality=intake.quality,
    )
    # Two characters of the random id spread the files over 256 folders.
    stem = f"{row.pk.hex[:2]}/{row.pk.hex}"
    parts = [
        (row.original, f"{stem}.original", intake.data),
        (row.derivative, f"{stem}.derivative", build_derivative(intake.pixels)),
        (row.thumbnail, f"{stem}.thumbnail", build_thumbnail(intake.pixels)),
    ]
    for file, name, content in parts:
        # Noted before it is written: a disk that fills half-way leaves half a file.
        file.name = name
        stored.written.append(file)
        file.save(name, ContentFile(content), save=False)
    row.save()
    return row


def find_same_picture(*, clinic_id: uuid.UUID, pixel_sha256: str) -> SubmissionImage | None:
    """The newest image of this clinic with the same pixels, from a case that still stands."""
    return (
        SubmissionImage.objects.filter(
            clinic_id=clinic_id, pixel_sha256=pixel_sha256, submission__cancelled_at__isnull=True
        )
        .select_related("submission__lesion__patient")
        .order_by("-created_at")
        .first()
    )
