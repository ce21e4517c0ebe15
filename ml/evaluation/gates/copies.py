"""Reduced copies: how far the gates' figures differ between a picture and the copy that a form checks."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ml.evaluation.gates.measuring import spread
from ml.evaluation.gates.pictures import blur_evenly, expose, list_images, read_pictures, reduce_picture
from ml.gates.specification import CHANGING, RULES
from ml.gates.verdict import Gates, look_at

Pixels = NDArray[np.uint8]
# What browsers make of a photograph: each shrinks by another filter, all to JPEG of about 90.
LONGEST: Final = 1024
COPIES: Final = (
    (Image.Resampling.BILINEAR, 90),
    (Image.Resampling.LANCZOS, 92),
    (Image.Resampling.BOX, 85),
)
# The greatest difference that was measured, and half of it more.
_SAFETY: Final = 1.5
# A measure counts where it lies this near to its limit, by ratio: elsewhere it decides nothing.
_NEAR: Final = 1.6
_SETS: Final = (
    "isic-archive-mixed/originals",
    "isic-archive-mixed/dermoscopic",
    "ham10000-extra-train/train",
)
# Pictures of smaller sets are drawn larger to this, as many of each: full-size ones are few.
_ENLARGED: Final = 1600
_MOST: Final = 4
_CROPS: Final = 1


def read_originals(root: Path, seed: int) -> Iterator[Pixels]:
    """Yield pictures larger than a copy: the full-size ones, crops of them, and enlarged ones."""
    generator = np.random.default_rng(seed)
    for folder in _SETS:
        paths = list_images(root / folder)
        for picture in read_pictures(paths[place] for place in spread(len(paths), _MOST)):
            height, width = picture.shape[:2]
            if max(height, width) <= LONGEST:
                scale = _ENLARGED / max(height, width)
                size = (round(width * scale), round(height * scale))
                yield np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
                continue
            yield picture
            for _ in range(_CROPS):
                side = int(generator.uniform(LONGEST + 100, min(height, width)))
                top, left = (int(generator.integers(0, length - side + 1)) for length in (height, width))
                yield picture[top : top + side, left : left + side]


def vary_quality(picture: Pixels) -> Iterator[Pixels]:
    """Yield `picture` and others near the limits: softer ones, a darker and a brighter one."""
    yield picture
    scale = float(np.sqrt(picture.shape[0] * picture.shape[1])) / 224
    for radius in (1.5, 2.0):
        yield blur_evenly(picture, radius * scale)
    for factor in (0.5, 1.4):
        yield expose(picture, factor)


def measure_copies(gates: Gates, root: Path, seed: int) -> dict[str, Any]:
    """Return the greatest difference of each measure near its limit, and how many pictures lay there.

    Keys: `pictures`, `copies`, and by measure `near` and `greatest`.
    """
    limits = gates.specification.limits
    differences: dict[str, list[float]] = {measure: [] for measure in CHANGING}
    pictures = 0
    for original in tqdm(read_originals(root, seed), desc="Copies", unit="picture", leave=False):
        for picture in vary_quality(original):
            pictures += 1
            size = (picture.shape[1], picture.shape[0])
            looks = [look_at(picture)] + [
                look_at(reduce_picture(picture, LONGEST, filter_, quality), size)
                for filter_, quality in COPIES
            ]
            whole, *copies = (verdict.figures for verdict in gates.decide(looks))
            for measure in CHANGING:
                for copy in copies:
                    if _is_near(measure, (whole[measure], copy[measure]), limits):
                        differences[measure].append(abs(whole[measure] - copy[measure]))
    return {
        "pictures": pictures,
        "copies": len(COPIES),
        "measures": {
            measure: {"near": len(found), "greatest": round(max(found, default=0.0), 4)}
            for measure, found in differences.items()
        },
    }


def choose_margins(copies: Mapping[str, Any], limits: Mapping[str, float]) -> dict[str, float]:
    """Return by how much each limit is to be tightened for a copy: half more than was measured.

    At least a hundredth of the limit, where few pictures came near.
    """
    least = {
        measure: min(limits[limit] for _, name, limit in RULES if name == measure) / 100
        for measure in CHANGING
    }
    return {
        measure: round(max(_SAFETY * found["greatest"], least[measure]), 4)
        for measure, found in copies["measures"].items()
    }


def _is_near(measure: str, values: tuple[float, float], limits: Mapping[str, float]) -> bool:
    bounds = [limits[limit] for _, name, limit in RULES if name == measure]
    return any(bound / _NEAR <= value <= bound * _NEAR for bound in bounds for value in values)
