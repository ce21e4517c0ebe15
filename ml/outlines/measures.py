"""Measures of an outlined lesion: size, asymmetry, border, colours. Each says what it is and who defined it.

They describe a region that a network drew. They are no criteria met or failed, and no verdict is made of them.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ml import fields
from ml.outlines.shape import (
    Mask,
    Points,
    measure_area,
    measure_diameter,
    measure_length,
    trace_polygon,
)

# In sRGB, 0 to 1: the six colours of the ABCD rule of dermoscopy (Stolz et al. 1994; Nachbar et al. 1994), with the
# reference values and the share of Kasmi and Mokrani 2016 ("Classification of malignant melanoma and benign skin
# lesions: implementation of automatic ABCD rule").
COLOURS: Final[dict[str, tuple[float, float, float]]] = {
    "white": (1.0, 1.0, 1.0),
    "red": (0.8, 0.2, 0.2),
    "light brown": (0.6, 0.4, 0.0),
    "dark brown": (0.2, 0.0, 0.0),
    "blue-grey": (0.2, 0.6, 0.6),
    "black": (0.0, 0.0, 0.0),
}
LEAST_COLOUR: Final = 0.05
_WHAT: Final = "Measures of an outline"
_WHITE_POINT: Final = (0.95047, 1.0, 1.08883)
_TO_XYZ: Final = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured of one outline.

    `area`: share of the picture, 0 to 1. `diameter`: the largest, as a share of the picture's longer side.
    `asymmetry`: 0 to 1, `measure_asymmetry`. `irregularity`: at least about 1, `measure_irregularity`. `colours`:
    names of COLOURS. `is_cut`: whether the lesion reaches the picture's edge, so that part of it may lie outside.
    `area_mm2` and `diameter_mm` where the file says how large a pixel is, else None.
    """

    area: float
    diameter: float
    asymmetry: float
    irregularity: float
    colours: tuple[str, ...]
    is_cut: bool
    area_mm2: float | None = None
    diameter_mm: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that `from_dict` reads."""
        return {**asdict(self), "colours": list(self.colours)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Measures":
        """Build from a JSON object with exactly these fields; raises ml.fields.JsonFieldError."""
        names = tuple(cls.__dataclass_fields__)
        fields.check_keys(data, names, _WHAT)
        area, diameter, asymmetry, irregularity = (fields.read_number(data, key, _WHAT) for key in names[:4])
        area_mm2, diameter_mm = (
            None if data[key] is None else fields.read_number(data, key, _WHAT)
            for key in ("area_mm2", "diameter_mm")
        )
        colours, is_cut = tuple(data["colours"]), bool(data["is_cut"])
        return cls(area, diameter, asymmetry, irregularity, colours, is_cut, area_mm2, diameter_mm)


def measure_outline(
    mask: Mask, pixels: NDArray[np.uint8], *, millimetres: float | None = None
) -> tuple[Points, Measures]:
    """Return the polygon, (n, 2) in pixels, and the measures of a lesion.

    `mask`: bool (h, w), one filled region. `pixels`: uint8 (h, w, 3), sRGB, the picture on the same grid, whose
    pixels are square. `millimetres`: side of one of these pixels, None where not known. Raises ValueError for an
    empty mask or another shape.
    """
    if mask.shape != pixels.shape[:2] or not mask.any():
        raise ValueError(f"Expected a lesion on the grid {pixels.shape[:2]}, received {mask.shape}.")
    points = trace_polygon(mask)
    area, diameter = float(mask.sum()), measure_diameter(points)
    border = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return points, Measures(
        area=round(area / mask.size, 5),
        diameter=round(diameter / max(mask.shape), 5),
        asymmetry=round(measure_asymmetry(mask), 4),
        irregularity=round(measure_irregularity(points), 4),
        colours=find_colours(pixels[mask]),
        is_cut=any(bool(edge.any()) for edge in border),
        area_mm2=None if millimetres is None else round(area * millimetres**2, 3),
        diameter_mm=None if millimetres is None else round(diameter * millimetres, 3),
    )


def measure_asymmetry(mask: Mask) -> float:
    """Return the share of the lesion that its mirror image leaves uncovered, mean of both principal axes, 0 to 1.

    The axes go through the centre of gravity and are those of the second moments. A circle or an ellipse has 0.
    After Stoecker, Li and Moss 1992, "Automatic detection of asymmetry in skin tumors", who fold the lesion about
    its axes and divide what doesn't overlap by its area.
    """
    rows, columns = np.nonzero(mask)
    places = np.stack([columns, rows]).astype(np.float64)
    centre = places.mean(axis=1, keepdims=True)
    away = places - centre
    _, axes = np.linalg.eigh(away @ away.T)
    padded = np.pad(mask, 1)
    uncovered = []
    for axis in axes.T:
        mirrored = centre + 2 * axis[:, None] * (axis @ away)[None] - away
        x, y = np.rint(mirrored).astype(np.int64)
        x, y = np.clip(x, -1, mask.shape[1]) + 1, np.clip(y, -1, mask.shape[0]) + 1
        uncovered.append(1 - padded[y, x].mean())
    return float(np.mean(uncovered))


def measure_irregularity(points: Points) -> float:
    """Return perimeter squared by 4 pi times the area of a polygon (n, 2): 1 for a circle, more for a ragged border.

    The index of Golston, Stoecker, Moss and Dhillon 1992, "Automatic detection of irregular borders in melanoma and
    other skin tumors": the inverse of the isoperimetric quotient. An ellipse twice as long as wide has 1.19.
    """
    area = measure_area(points)
    return measure_length(points) ** 2 / (4 * math.pi * area) if area else math.inf


def find_colours(pixels: NDArray[np.uint8]) -> tuple[str, ...]:
    """Return which of the six COLOURS the pixels, uint8 (n, 3), sRGB, show, in that order.

    Each pixel counts for the colour nearest in CIE L*a*b* (CIE 1976 colour difference); a colour is there where at
    least LEAST_COLOUR of the pixels are its own. Light and camera move it: it is a count of shades, not a diagnosis.
    """
    values = to_lab(pixels.astype(np.float64) / 255)
    references = to_lab(np.array(list(COLOURS.values())))
    nearest = np.argmin(np.sum((values[:, None] - references[None]) ** 2, axis=-1), axis=1)
    shares = np.bincount(nearest, minlength=len(COLOURS)) / max(1, len(pixels))
    return tuple(name for name, share in zip(COLOURS, shares, strict=True) if share >= LEAST_COLOUR)


def to_lab(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return CIE L*a*b* (n, 3), white D65, of sRGB values (n, 3) in [0, 1] (IEC 61966-2-1; CIE 15)."""
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    ratios = linear @ np.array(_TO_XYZ).T / np.array(_WHITE_POINT)
    x, y, z = np.where(ratios > 216 / 24389, np.cbrt(ratios), (24389 / 27 * ratios + 16) / 116).T
    lab: NDArray[np.float64] = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    return lab
