"""Heat map drawing: transparent where nothing counts, two colours that the colour-blind tell apart."""

from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.explanation.faithfulness import find_marked
from ml.explanation.hirescam import EvidenceMap

# Yellow and blue, the ends of cividis: apart for every kind of colour blindness, and in grey.
FOR_MALIGNANT: Final = (255, 226, 64)
AGAINST_MALIGNANT: Final = (46, 110, 255)
LINE: Final = ((255, 255, 255), (12, 14, 17))
"""The line round the marked part, inside and outside: one of them stands out on any skin."""
LONGER_SIDE: Final = 640
_STRONGEST: Final = 210
_WEAKEST: Final = 0.08


def draw_heatmap(explanation: EvidenceMap, picture: tuple[int, int]) -> bytes:
    """Return `explanation` as a PNG to lie over a picture of (width, height) pixels.

    RGBA, the picture's proportions, its longer side 640 pixels; made of the map's numbers alone.
    Yellow speaks for malignant, blue against it, stronger is more opaque; a line goes round
    the places that `ml.explanation.faithfulness.find_marked` names.
    """
    scale = LONGER_SIDE / max(picture)
    size = (max(1, round(picture[1] * scale)), max(1, round(picture[0] * scale)))
    values = explanation.draw(size)
    pixels = np.empty((*size, 4), dtype=np.uint8)
    pixels[..., :3] = np.where(values[..., None] > 0, FOR_MALIGNANT, AGAINST_MALIGNANT)
    strength = np.clip((np.abs(values) - _WEAKEST) / (1 - _WEAKEST), 0, 1)
    pixels[..., 3] = np.rint(np.sqrt(strength) * _STRONGEST).astype(np.uint8)
    _draw_line(pixels, find_marked(explanation, size))
    target = BytesIO()
    Image.fromarray(pixels, "RGBA").save(target, "PNG", optimize=True)
    return target.getvalue()


def blend_heatmap(image: Image.Image, heatmap: bytes) -> Image.Image:
    """Return `image`, RGB, at the heatmap's size with the heatmap over it."""
    over = Image.open(BytesIO(heatmap))
    under = image.convert("RGBA").resize(over.size, Image.Resampling.LANCZOS)
    return Image.alpha_composite(under, over).convert("RGB")


def _draw_line(pixels: NDArray[np.uint8], marked: NDArray[np.bool_]) -> None:
    inner = marked & ~_shrink(marked, 2)
    outer = ~marked & ~_shrink(~marked, 2)
    for line, colour in zip((inner, outer), LINE, strict=True):
        pixels[line] = (*colour, 255)


def _shrink(area: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """Return `area` less the places within `steps` of what is outside it; edges count as inside."""
    for _ in range(steps):
        padded = np.pad(area, 1, mode="edge")
        area = area & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return area
