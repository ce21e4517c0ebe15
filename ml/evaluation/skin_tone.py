"""Skin tone round a lesion: the individual typology angle (ITA), from pixels alone."""

import math

import numpy as np
from numpy.typing import NDArray

# Chardon, Cretois and Hourseau 1991, "Skin colour typology and suntanning pathways": lower ends
# in degrees.
CATEGORIES = (
    ("very light", 55.0),
    ("light", 41.0),
    ("intermediate", 28.0),
    ("tan", 10.0),
    ("brown", -30.0),
    ("dark", -math.inf),
)
# Black frames and vignettes of dermoscopes are darker than any skin; reflections are lighter.
_DARKEST, _LIGHTEST = 20.0, 97.0
_FEWEST = 0.02
_WHITE = np.array([0.95047, 1.0, 1.08883])
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def convert_to_lab(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return CIELAB (…, 3) under D65 of sRGB `pixels` uint8 (…, 3); L* in [0, 100]."""
    value = pixels.astype(np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _TO_XYZ.T / _WHITE
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def measure_ita(pixels: NDArray[np.uint8], skin: NDArray[np.bool_] | None = None) -> float | None:
    """Return the individual typology angle of the skin in degrees, or None where too little shows.

    `pixels`: uint8 RGB (height, width, 3). `skin`: bool (height, width), the pixels that are skin;
    without it, those lighter than Otsu's cut of L* (Otsu 1979), frame and reflections left out.
    ITA = atan((L* - 50) / b*) of the mean L* and b* of the pixels within one standard deviation of
    the mean of each (Kinyanjui et al. 2020, "Fairness of classifiers across skin tones in
    dermatology", section 3). Light in a dermoscope is not calibrated, so single angles are
    rough. Raises ValueError for another shape.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"Expected pixels (height, width, 3), received {pixels.shape}.")
    lab = convert_to_lab(pixels)
    light = lab[..., 0]
    usable = (light > _DARKEST) & (light < _LIGHTEST)
    if skin is None:
        skin = light > find_otsu_cut(light[usable]) if usable.any() else usable
    chosen = usable & skin
    if chosen.mean() < _FEWEST:
        return None
    values = lab[chosen][:, [0, 2]]
    near = np.all(np.abs(values - values.mean(axis=0)) <= values.std(axis=0) + 1e-9, axis=1)
    kept = values[near] if near.any() else values
    lightness, yellow = kept.mean(axis=0)
    return math.degrees(math.atan2(lightness - 50, yellow))


def find_otsu_cut(values: NDArray[np.float64], bins: int = 64) -> float:
    """Return the cut of `values` (n,), n at least 1, that best separates two groups (Otsu 1979)."""
    counts, edges = np.histogram(values, bins=bins)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = values.size - below
    total = np.cumsum(counts * centres)
    spread = np.zeros(bins - 1)
    both = (below > 0) & (above > 0)
    mean_below = total[:-1][both] / below[both]
    mean_above = (total[-1] - total[:-1][both]) / above[both]
    spread[both] = below[both] * above[both] * (mean_below - mean_above) ** 2
    return float(edges[1 + int(np.argmax(spread))])


def name_skin_tone(ita: float) -> str:
    """Return the category of an angle in degrees, from very light to dark (Chardon 1991)."""
    return next(name for name, lowest in CATEGORIES if ita > lowest)
