"""Uploads of one case: how many images, of which kind, and every fault of every image at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classifier.domain.errors import InvalidInputError
from classifier.domain.image import RejectedImageError
from classifier.domain.limits import UploadLimits
from classifier.domain.vocabulary import CaptureKind, DermoscopicType
from classifier.intake.inspection import inspect_image, read_upload
from classifier.intake.pictures import NewImage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.core.files.base import File


@dataclass(frozen=True)
class SentImage:
    """A file as it came, and what its sender says of it: CaptureKind, and DermoscopicType or empty."""

    file: File[Any]
    capture_kind: str = CaptureKind.DERMOSCOPIC
    dermoscopic_type: str = ""

    @property
    def name(self) -> str:
        return self.file.name or ""


class WrongKindError(RejectedImageError):
    """Not the picture is at fault, but what its sender says it is."""


class RefusedImagesError(InvalidInputError):
    """Images that can't be taken: `faults` by the number of the image, 0 for the first sent."""

    def __init__(self, faults: Mapping[int, RejectedImageError]) -> None:
        index, first = next(iter(faults.items()))
        super().__init__(first.code, first.message, field=f"images.{index}")
        self.faults = faults


def pair_images(
    files: Sequence[File[Any]],
    kinds: Sequence[str] | None,
    types: Sequence[str] | None,
    *,
    advice: str,
    default: str = CaptureKind.DERMOSCOPIC,
) -> list[SentImage]:
    """Each file with its kind, in their order; `default` is that of all where no kinds were sent.

    A list of another length would give a picture the kind of its neighbour. Raises InvalidInputError
    (kinds_mismatch, field capture_kinds or dermoscopic_types), which ends with `advice`.
    """
    for field, words, given in (
        ("capture_kinds", "kinds", kinds),
        ("dermoscopic_types", "dermoscopic types", types),
    ):
        if given is not None and len(given) != len(files):
            told = f"{len(given)} {words} came for {len(files)} images. {advice}"
            raise InvalidInputError("kinds_mismatch", told, field=field)
    every = zip(files, kinds or [default] * len(files), types or [""] * len(files), strict=True)
    return [SentImage(*one) for one in every]


def check_image_count(count: int) -> None:
    """Raise InvalidInputError (no_images, too_many_images)."""
    most = UploadLimits.from_settings().max_images
    if not count:
        raise InvalidInputError("no_images", "Add at least one image.", field="images")
    if count > most:
        raise InvalidInputError(
            "too_many_images",
            f"You sent {count} images; one submission takes at most {most}.",
            field="images",
        )


def inspect_images(images: Sequence[SentImage]) -> list[NewImage]:
    """Look at every image, so that the sender hears of all that is wrong at once.

    Raises InvalidInputError (no_images, too_many_images) or RefusedImagesError, with the codes of
    `inspect_image` and capture_kind_unknown, dermoscopic_type_unknown, type_of_other_kind.
    """
    check_image_count(len(images))
    limits = UploadLimits.from_settings()
    taken: list[NewImage] = []
    faults: dict[int, RejectedImageError] = {}
    for index, sent in enumerate(images):
        try:
            _check_kind(sent)
            taken.append(_inspect(sent, limits))
        except RejectedImageError as error:
            faults[index] = error
    if faults:
        raise RefusedImagesError(faults)
    return taken


def hash_files(images: Sequence[SentImage]) -> list[str]:
    """SHA-256 of each file as it came; empty for one that is not even read."""
    limits = UploadLimits.from_settings()
    found = []
    for sent in images:
        try:
            found.append(hashlib.sha256(read_upload(sent.file, limits)).hexdigest())
        except RejectedImageError:
            found.append("")
    return found


def _inspect(sent: SentImage, limits: UploadLimits) -> NewImage:
    return NewImage.from_intake(
        inspect_image(read_upload(sent.file, limits), sent.name, limits),
        original_name=sent.name,
        capture_kind=sent.capture_kind,
        dermoscopic_type=sent.dermoscopic_type,
    )


def _check_kind(sent: SentImage) -> None:
    """Each picture has a kind of its own, and how it was lit is said of a dermoscopic one alone."""
    if sent.capture_kind not in CaptureKind.values:
        raise WrongKindError(
            "capture_kind_unknown", f"The kind of a picture can be one of {', '.join(CaptureKind.values)}."
        )
    if sent.dermoscopic_type and sent.dermoscopic_type not in DermoscopicType.values:
        raise WrongKindError(
            "dermoscopic_type_unknown",
            f"The type of a dermoscopic picture can be one of {', '.join(DermoscopicType.values)}, or empty.",
        )
    if sent.dermoscopic_type and sent.capture_kind != CaptureKind.DERMOSCOPIC:
        raise WrongKindError(
            "type_of_other_kind",
            "Only a dermoscopic picture has a dermoscopic type. Leave it out, or correct the kind.",
        )
