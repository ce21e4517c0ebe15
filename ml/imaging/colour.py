"""Colour management: from any pixel mode and any embedded ICC profile to 8-bit sRGB."""

from functools import lru_cache
from io import BytesIO
from typing import Any, Final

import numpy as np
from PIL import Image, ImageCms

_WHITE: Final = (255, 255, 255)
# The colour space a profile's header names, and the pixel mode it takes.
_PROFILE_MODES: Final = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK", b"Lab ": "LAB"}
_WITH_ALPHA: Final = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})


def convert_to_srgb(image: Image.Image) -> Image.Image:
    """Return a new RGB image in sRGB without any metadata; transparency lies over white.

    16-bit grey becomes 8-bit by its full range. A profile that is broken, or made for another
    colour space than the pixels', is ignored and the pixels are taken as sRGB.
    """
    profile = image.info.get("icc_profile")
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        image, alpha = _split_alpha(image)
    else:
        alpha = None
    colour = _apply_profile(_reduce_depth(image), profile)
    if alpha is not None:
        backdrop = Image.new("RGB", colour.size, _WHITE)
        backdrop.paste(colour, mask=alpha)
        colour = backdrop
    colour.info = {}
    return colour


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if image.mode.startswith("I"):
        return image, None  # a transparent grey value of a 16-bit PNG: nothing to show through
    straight = image.convert("LA" if image.mode in ("LA", "La") else "RGBA")
    alpha = straight.getchannel("A")
    return straight.convert("L" if straight.mode == "LA" else "RGB"), alpha


def _reduce_depth(image: Image.Image) -> Image.Image:
    """Bring 1-bit, palette, 16-bit, 32-bit and floating grey to an 8-bit mode."""
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode in ("RGB", "CMYK", "LAB"):
        return image
    if not image.mode.startswith(("I", "F")):
        return image.convert("RGB")
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), nan=0.0)
    highest = float(values.max(initial=0.0))
    if image.mode == "F":
        white = 1.0 if highest <= 1.0 else 255.0 if highest <= 255.0 else 65535.0
    else:
        white = 65535.0 if highest <= 65535.0 else 4294967295.0
    scaled = np.rint(np.clip(values / white, 0.0, 1.0) * 255.0)
    return Image.fromarray(scaled.astype(np.uint8))


def _apply_profile(image: Image.Image, profile: object) -> Image.Image:
    if isinstance(profile, bytes) and len(profile) > 128:
        mode = _PROFILE_MODES.get(profile[16:20])
        if mode == "RGB" and image.mode == "L":
            image = image.convert("RGB")  # grey pixels saved with a camera's colour profile
        if mode == image.mode:
            transform = _build_transform(profile, image.mode)
            if transform is not None:
                return _run_transform(transform, image)
    if image.mode == "LAB":
        return _run_transform(_build_lab_transform(), image)
    return image.convert("RGB") if image.mode != "RGB" else image.copy()


def _run_transform(transform: Any, image: Image.Image) -> Image.Image:
    # Not transform.apply(): that attaches the sRGB profile to the result.
    result = Image.new("RGB", image.size)
    transform.transform.apply(image.getim(), result.getim())
    return result


@lru_cache(maxsize=8)
def _build_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Cached: building costs 50 times what applying it to a 224×224 image does."""
    try:
        return ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None


@lru_cache(maxsize=1)
def _build_lab_transform() -> ImageCms.ImageCmsTransform:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB")
