"""Derivatives: what is shown instead of the original, rebuilt from pixels, so nothing else comes along.

JPEG, because every phone and every old browser shows it. Full chroma (4:4:4): the colours of a
lesion's fine structure are what a dermatologist looks at.
"""

from io import BytesIO
from typing import Final

from django.conf import settings
from PIL import Image

DERIVATIVE_CONTENT_TYPE: Final = "image/jpeg"
THUMBNAIL_SIDE: Final = 256
_DERIVATIVE_QUALITY: Final = 92
_THUMBNAIL_QUALITY: Final = 85


def build_derivative(pixels: Image.Image) -> bytes:
    """Return a JPEG, its longer side at most DERMAPORT_DERIVATIVE_MAX_SIDE; never enlarged."""
    return encode_jpeg(pixels, settings.DERMAPORT_DERIVATIVE_MAX_SIDE, _DERIVATIVE_QUALITY)


def build_thumbnail(pixels: Image.Image) -> bytes:
    """Return a JPEG, its longer side at most 256 pixels; never enlarged."""
    return encode_jpeg(pixels, THUMBNAIL_SIDE, _THUMBNAIL_QUALITY)


def encode_jpeg(pixels: Image.Image, max_side: int, quality: int) -> bytes:
    """Return a JPEG of the pixels alone, its longer side at most `max_side`; never enlarged."""
    scale = min(1.0, max_side / max(pixels.size))
    size = (max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale)))
    # A new image and a paste: Pillow's encoders also write what they find in `info`.
    clean = Image.new("RGB", size)
    scaled = pixels if pixels.mode == "RGB" else pixels.convert("RGB")
    if size != pixels.size:
        scaled = scaled.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    clean.paste(scaled)
    target = BytesIO()
    clean.save(target, "JPEG", quality=quality, subsampling="4:4:4")
    return target.getvalue()
