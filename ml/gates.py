"""May this image be judged at all? The quality gate and the domain gate, before any network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.gate_refusals import CODES, SENTENCES, describe_refusal

if TYPE_CHECKING:
    from ml.domain import DomainGate
    from ml.gate_specification import GateSpecification

__all__ = ["CODES", "SENTENCES", "GateVerdict", "Gates", "Look", "describe_refusal", "look_at"]


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What the gates measured of one image and why they refuse it.

    `version`: of the gates' specification, such as "gates-1.0.0". `figures`: JSON numbers by name,
    each measure with its limit beside it: `sharpness` and `sharpness_least`, `dark_share` and
    `dark_share_most`. `refusals`: codes of `CODES`, in that order; empty when the image may be judged.
    """

    version: str
    figures: dict[str, float]
    refusals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """All that the gates keep of one image: `pixels`, uint8 RGB shrunk, and its quality `figures`."""

    pixels: NDArray[np.uint8]
    figures: dict[str, float]


def look_at(image: NDArray[np.uint8]) -> Look:
    """Measure one image, uint8 RGB of shape (height, width, 3), so that its pixels can be let go.

    Needs no gates and touches nothing shared: threads that decode may call it. Raises ValueError
    for another shape or type.
    """
    from ml.quality import measure_quality, shrink

    pixels = shrink(image)
    return Look(pixels, measure_quality(image, pixels))


class Gates:
    """Both gates, ready in one process; the same for every network, whichever is active."""

    def __init__(self, specification: "GateSpecification", domain: "DomainGate") -> None:
        self.specification = specification
        self._domain = domain

    @classmethod
    def load(cls, folder: Path | None = None) -> "Gates":
        """Load the gates' files from `folder` (default: the shipped weights), each by its SHA-256.

        Call it after the fork, as for any network. Raises `ml.gate_specification.GateError` when a
        file is missing or malformed and `ml.loading.UnsafeModelError` when one must not be loaded.
        """
        from ml.domain import DomainGate
        from ml.gate_specification import GateSpecification, find_gates_folder

        place = find_gates_folder(folder)
        specification = GateSpecification.load(place / "gates.json")
        return cls(specification, DomainGate.load(specification.domain, place))

    def assess(self, images: Sequence[NDArray[np.uint8]]) -> list[GateVerdict]:
        """Return one verdict an image, in order; any number of images, also 0.

        `images`: uint8 RGB of shape (height, width, 3), upright, of any sizes. A verdict does not
        depend on the other images. Raises ValueError for another shape or type.
        """
        return self.decide([look_at(image) for image in images])

    def decide(self, looks: Sequence[Look]) -> list[GateVerdict]:
        """Return one verdict a look, in order, as `assess` does for the images themselves."""
        from ml.gate_specification import find_refusals

        distances = self._domain.measure([look.pixels for look in looks])
        verdicts = []
        for look, distance in zip(looks, distances, strict=True):
            measured = {**look.figures, "domain_distance": round(float(distance), 4)}
            figures = {**measured, **self.specification.limits}
            verdicts.append(GateVerdict(self.specification.version, figures, find_refusals(figures)))
        return verdicts
