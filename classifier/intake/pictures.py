"""Image storage: the original sealed, derivative and thumbnail beside it."""

from __future__ import annotations

import contextlib
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from django.core.files.base import ContentFile
from django.db import DatabaseError

from classifier.domain.errors import UnavailableError
from classifier.domain.vocabulary import CaptureKind
from classifier.intake import build_derivative, build_thumbnail
from classifier.models import SubmissionImage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from django.db.models import QuerySet

    from classifier.intake import IntakeImage, Notice
    from classifier.models import Submission

log = structlog.get_logger(__name__)

PATH = re.compile(r"[/\\]")


def clean_file_name(name: str) -> str:
    """What the sender called the file: without the folders it lay in, and without what can't be seen.

    It is shown and decides nothing. Marks that turn the direction of reading would let a name
    look like another.
    """
    last = PATH.split(name)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:255]


@dataclass(frozen=True, kw_only=True)
class NewImage:
    """An inspected image ready to be stored, and what its sender said of it.

    It is encoded as soon as it is inspected: ten large photographs are then kept as files, not as
    gigabytes of pixels, and no transaction waits for an encoder.
    """

    data: bytes = field(repr=False)
    derivative: bytes = field(repr=False)
    thumbnail: bytes = field(repr=False)
    sha256: str
    pixel_sha256: str
    format: str
    width: int
    height: int
    quality: dict[str, float | int | str]
    warnings: list[Notice]
    gate_notices: list[Notice] = field(default_factory=list)
    original_name: str = ""
    capture_kind: str = CaptureKind.DERMOSCOPIC
    dermoscopic_type: str = ""

    @classmethod
    def from_intake(
        cls,
        intake: IntakeImage,
        *,
        original_name: str = "",
        capture_kind: str = CaptureKind.DERMOSCOPIC,
        dermoscopic_type: str = "",
    ) -> NewImage:
        return cls(
            data=intake.data,
            derivative=build_derivative(intake.pixels),
            thumbnail=build_thumbnail(intake.pixels),
            sha256=intake.sha256,
            pixel_sha256=intake.pixel_sha256,
            format=intake.format,
            width=intake.width,
            height=intake.height,
            quality=intake.quality,
            warnings=intake.warnings,
            gate_notices=intake.gate_notices,
            original_name=original_name,
            capture_kind=capture_kind,
            dermoscopic_type=dermoscopic_type,
        )

    @property
    def notices(self) -> list[Notice]:
        """What is worth a look; what the gates say concerns only a picture that the model judges."""
        is_judged = self.capture_kind == CaptureKind.DERMOSCOPIC
        return [*self.warnings, *(self.gate_notices if is_judged else ())]


@dataclass
class StoredFiles:
    """Files written before the rows that name them, so that they go when the rows don't come.

    Writing first keeps encoding and slow disks out of the transaction: SQLite has one writer.
    """

    rows: list[SubmissionImage] = field(default_factory=list)
    have_rows: bool = False
    """Set once the rows are committed."""

    @contextlib.contextmanager
    def removed_without_rows(self) -> Iterator[None]:
        """Remove the files after the block, unless their rows were committed, told or not."""
        try:
            yield
        finally:
            if not self.have_rows and self._are_unclaimed():
                self._remove()

    def _are_unclaimed(self) -> bool:
        try:
            ids = [row.pk for row in self.rows]
            return not SubmissionImage.objects.filter(pk__in=ids).exists()
        except DatabaseError:
            # A connection lost at COMMIT leaves it open: a stray file harms nobody, a lost one does.
            log.warning("files_left_behind", images=len(self.rows))
            return False

    def _remove(self) -> None:
        for row in self.rows:
            for file in (row.original, row.derivative, row.thumbnail):
                with contextlib.suppress(Exception):
                    file.storage.delete(str(file.name))


def write_files(*, submission: Submission, images: Sequence[NewImage], stored: StoredFiles) -> None:
    """Write the three files of each image and note its unsaved row in `stored`.

    Raises UnavailableError (storage_unavailable).
    """
    for position, image in enumerate(images, start=1):
        row = _make_row(submission, image, position)
        # Noted before it is written: a disk that fills half-way leaves half a file.
        stored.rows.append(row)
        for file, content in (
            (row.original, image.data),
            (row.derivative, image.derivative),
            (row.thumbnail, image.thumbnail),
        ):
            try:
                file.save(str(file.name), ContentFile(content), save=False)
            except Exception as error:
                # Every kind of storage has errors of its own; all mean that it can't be written.
                log.exception("storage_unavailable", errno=getattr(error, "errno", None))
                raise storage_unavailable() from error


def storage_unavailable() -> UnavailableError:
    return UnavailableError(
        "storage_unavailable",
        "The image store is full or can't be reached. Nothing was saved; tell your operator and send it again.",
    )


def _make_row(submission: Submission, image: NewImage, position: int) -> SubmissionImage:
    key = uuid.uuid4()
    # Two characters of the random id spread the files over 256 folders.
    stem = f"{key.hex[:2]}/{key.hex}"
    return SubmissionImage(
        id=key,
        submission=submission,
        clinic_id=submission.clinic_id,
        position=position,
        original=f"{stem}.original",
        derivative=f"{stem}.derivative",
        thumbnail=f"{stem}.thumbnail",
        original_name=clean_file_name(image.original_name),
        sha256=image.sha256,
        pixel_sha256=image.pixel_sha256,
        format=image.format,
        byte_size=len(image.data),
        width=image.width,
        height=image.height,
        capture_kind=image.capture_kind,
        dermoscopic_type=image.dermoscopic_type,
        quality=image.quality,
    )


def find_same_pictures(*, clinic_id: uuid.UUID, pixel_sha256: Collection[str]) -> dict[str, SubmissionImage]:
    """Duplicates: by these digests, the clinic's newest image with the same pixels, of a case that stands."""
    rows = _standing_images(clinic_id).filter(pixel_sha256__in=pixel_sha256)
    return {row.pixel_sha256: row for row in rows.order_by("created_at")}


def find_same_file(*, clinic_id: uuid.UUID, sha256: str) -> SubmissionImage | None:
    """The newest of an image whose file was byte for byte this one."""
    return _standing_images(clinic_id).filter(sha256=sha256).order_by("-created_at").first()


def _standing_images(clinic_id: uuid.UUID) -> QuerySet[SubmissionImage]:
    rows = SubmissionImage.objects.filter(clinic_id=clinic_id, submission__cancelled_at__isnull=True)
    return rows.select_related("submission__lesion__patient")
