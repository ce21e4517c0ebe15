"""Pictures for the gate: drawn, encoded in every accepted format."""

from io import BytesIO

import numpy as np
import pillow_heif
from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "HEIC")
EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "TIFF": "tif", "HEIC": "heic"}


def draw_picture(width=300, height=260, seed=1):
    """A dark spot on a light ground, with some grain."""
    rows, columns = np.mgrid[0:height, 0:width]
    distance = np.hypot(columns - width / 2, rows - height / 2) / min(width, height)
    light = 190 - 110 * np.exp(-((distance / 0.3) ** 4))
    grain = np.random.default_rng(seed).normal(0, 7, (height, width, 3))
    pixels = light[..., None] * np.array([1.0, 0.82, 0.72]) + grain
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def encode(image, name, **options):
    target = BytesIO()
    if name == "HEIC":
        pillow_heif.from_pillow(image).save(target, quality=80, **options)
    else:
        image.save(target, name, **options)
    return target.getvalue()


def encode_picture(name="JPEG", **options):
    return encode(draw_picture(), name, **options)
