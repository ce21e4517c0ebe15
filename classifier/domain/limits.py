"""Upload limits: every number comes from settings; every refusal names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

from django.conf import settings

from classifier.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from django.db import models


KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE
FORMAT_NAMES = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "WEBP": "WebP",
    "TIFF": "TIFF",
    "HEIC": "HEIC",
    "DICOM": "DICOM",
}


@dataclass(frozen=True, kw_only=True)
class UploadLimits:
    """Limits of one image, and of how many images make one submission.

    `max_pixels` bounds width × height × frames; `min_side` and `max_side` the upright image's
    sides in pixels; `max_bytes` the file.
    """

    max_bytes: int = 25 * MEBIBYTE
    max_pixels: int = 60_000_000
    min_side: int = 224
    max_side: int = 20_000
    max_images: int = 10
    formats: tuple[str, ...] = tuple(FORMAT_NAMES)

    @classmethod
    def from_settings(cls) -> Self:
        names = (name.strip().upper() for name in settings.DERMAPORT_UPLOAD_FORMATS)
        return cls(
            max_bytes=settings.DERMAPORT_UPLOAD_MAX_BYTES,
            max_pixels=settings.DERMAPORT_UPLOAD_MAX_PIXELS,
            min_side=settings.DERMAPORT_UPLOAD_MIN_SIDE,
            max_images=settings.DERMAPORT_UPLOAD_MAX_IMAGES,
            formats=tuple("HEIC" if name == "HEIF" else name for name in names),
        )

    @property
    def size_words(self) -> str:
        """The most that one image may have, as a person reads it: "25 MB"."""
        return describe_bytes(self.max_bytes)

    @property
    def format_words(self) -> str:
        """The formats as a person reads them: "JPEG, PNG or WebP"."""
        names = [FORMAT_NAMES.get(name, name) for name in self.formats]
        if len(names) == 1:
            return names[0]
        return f"{', '.join(names[:-1])} or {names[-1]}"


def describe_bytes(count: int) -> str:
    """Return a size as a person reads it, rounded up so that one byte over a limit shows."""
    if count < KIBIBYTE:
        return f"{count} bytes"
    unit, name = (MEBIBYTE, "MB") if count >= MEBIBYTE else (KIBIBYTE, "KB")
    tenths = -(-count * 10 // unit)
    return f"{tenths // 10}.{tenths % 10} {name}" if tenths % 10 else f"{tenths // 10} {name}"


# --- Length limits ------------------------------------------------------------------------------
# Told as a sentence instead of a database error.


def check_length(model: type[models.Model], name: str, text: str, *, what: str) -> None:
    """Raise InvalidInputError "<name>_too_long" when `text` outgrows the field `name`."""
    limit = cast("models.CharField[str, str]", model._meta.get_field(name)).max_length  # noqa: SLF001
    if limit is not None and len(text) > limit:
        raise InvalidInputError(
            f"{name}_too_long",
            f"{what} has {len(text):,} characters; the limit is {limit:,}.",
            field=name,
        )
