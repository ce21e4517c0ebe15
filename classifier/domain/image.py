"""Accepted image: what inspection hands to storage, and the refusal and notices that it may give instead."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image


class RejectedImageError(ValueError):
    """An image that can't be taken: a stable `code`, and a `message` a person can act on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth a look that doesn't stand in the way."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeImage:
    """An accepted file and what was found in it; `width` and `height` are the upright image's.

    `data` is what is kept: the file itself, but of DICOM a de-identified one, and then `offer` says
    what the header told of the picture. `gate_notices`: what the model's gates will refuse, where it is
    a dermoscopic picture, and `kind` what it looks like; `quality` is kept with it.
    """

    data: bytes = field(repr=False)
    pixels: "Image.Image" = field(repr=False)
    sha256: str
    pixel_sha256: str
    format: str
    width: int
    height: int
    byte_size: int
    quality: dict[str, float | int | str]
    warnings: list[Notice]
    offer: str = ""
    gate_notices: list[Notice] = field(default_factory=list)
    kind: str = ""
