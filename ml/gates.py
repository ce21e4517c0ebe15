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

__all__ = ["CODES", "SENTENCES", "GateVerdict", "Gates", "describe_refusal"]


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
        from ml.quality import find_faults, measure_quality, shrink

        small = [shrink(image) for image in images]
        distances = self._domain.measure(small)
        verdicts = []
        for image, pixels, distance in zip(images, small, distances, strict=True):
            measured = {**measure_quality(image, pixels), "domain_distance": round(float(distance), 4)}
            figures = {**measured, **self.specification.limits}
            refusals = tuple(code for code in CODES if code in find_faults(figures))
            verdicts.append(GateVerdict(self.specification.version, figures, refusals))
        return verdicts
