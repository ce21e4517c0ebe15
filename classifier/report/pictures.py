"""Pictures made small enough to be printed and sent, from pixels alone."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from classifier.intake import encode_jpeg

LARGE_SIDE, SMALL_SIDE = 1200, 400
"""Longest side in pixels: of the picture that speaks for the case, and of the others."""
QUALITY = 88


class UnreadableError(Exception):
    """The stored bytes are no picture any more."""


@dataclass(frozen=True)
class Reduced:
    jpeg: bytes
    width: int
    height: int


def reduce_picture(data: bytes, longest: int) -> Reduced:
    """The picture with at most `longest` pixels on its longer side. Raises UnreadableError."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            # A JPEG can be decoded at a half or a quarter: less memory, and no less of what is kept.
            image.draft("RGB", (longest, longest))
            pixels = image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableError from error
    jpeg = encode_jpeg(pixels, longest, QUALITY)
    with Image.open(io.BytesIO(jpeg)) as reduced:
        return Reduced(jpeg, *reduced.size)
