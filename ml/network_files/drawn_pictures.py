"""Drawn pictures on which a network is tried: the same on every machine, with nothing in common."""

import numpy as np
from numpy.typing import NDArray

SKIN, NAEVUS, MELANOMA = (222, 178, 152), (150, 104, 80), (62, 40, 48)


def draw_pictures(size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return uint8 RGB (8, height, width, 3): noise, a slope, skin, black, white, and spots on skin."""
    height, width = size
    noise = np.random.default_rng(20_240_101).integers(0, 256, (height, width, 3), dtype=np.uint8)
    slope = np.linspace(0, 255, height * width * 3).reshape(height, width, 3).astype(np.uint8)
    skin, black, white = (
        np.full((height, width, 3), colour, dtype=np.uint8) for colour in (SKIN, (0, 0, 0), (255, 255, 255))
    )
    rows, columns = np.mgrid[0:height, 0:width]
    distance = np.hypot((rows + 0.5) / height - 0.5, (columns + 0.5) / width - 0.5)
    spots = [
        np.where((distance < radius)[..., None], colour, SKIN).astype(np.uint8)
        for radius, colour in ((0.15, NAEVUS), (0.3, NAEVUS), (0.3, MELANOMA))
    ]
    return np.stack([noise, slope, skin, black, white, *spots])
