"""Cheap figures of a photo's quality, for hints while the photo can still be taken again.

They are hints, not the model's gate: they never refuse an image and never change a result. The
thresholds are set so that under 3 in 100 of the training images of the first model get a hint.
"""

from typing import Final

import numpy as np
from PIL import Image

from classifier.intake.image import Notice

_SIDE: Final = 512
_DARK: Final = 30
_BRIGHT: Final = 245

# On luminance 0 to 255 of a copy at most 512 pixels wide and high.
MIN_SHARPNESS: Final = 8.0
MIN_BRIGHTNESS: Final = 60.0
MAX_BRIGHTNESS: Final = 225.0
MIN_CONTRAST: Final = 8.0
MAX_DARK_FRACTION: Final = 0.45
MAX_BRIGHT_FRACTION: Final = 0.30


def measure_quality(pixels: Image.Image) -> dict[str, float]:
    """Return sharpness (variance of the Laplacian), mean brightness, contrast (standard deviation)
    and the fractions of nearly black and nearly white pixels, all of the luminance.
    """
    grey = pixels.convert("L")
    grey.thumbnail((_SIDE, _SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    light = np.asarray(grey, dtype=np.float32)
    centre = light[1:-1, 1:-1]
    edges = light[:-2, 1:-1] + light[2:, 1:-1] + light[1:-1, :-2] + light[1:-1, 2:] - 4 * centre
    return {
        "sharpness": round(float(edges.var()) if edges.size else 0.0, 2),
        "brightness": round(float(light.mean()), 2),
        "contrast": round(float(light.std()), 2),
        "dark_fraction": round(float((light < _DARK).mean()), 4),
        "bright_fraction": round(float((light > _BRIGHT).mean()), 4),
    }


def find_quality_notices(quality: dict[str, float]) -> list[Notice]:
    """Say in words what could be better; empty for a good photo."""
    rules = (
        (
            quality["sharpness"] < MIN_SHARPNESS,
            Notice("blurred", "This photo looks blurred: hold still, refocus and take it again."),
        ),
        (
            quality["brightness"] < MIN_BRIGHTNESS or quality["dark_fraction"] > MAX_DARK_FRACTION,
            Notice("dark", "This photo looks dark: turn the light on or move it closer."),
        ),
        (
            quality["brightness"] > MAX_BRIGHTNESS or quality["bright_fraction"] > MAX_BRIGHT_FRACTION,
            Notice("bright", "This photo looks too bright: turn the light down or avoid glare."),
        ),
        (
            quality["contrast"] < MIN_CONTRAST,
            Notice("flat", "This photo shows little contrast: check that the lesion is in view."),
        ),
    )
    return [notice for applies, notice in rules if applies]
