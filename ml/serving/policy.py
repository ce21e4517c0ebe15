"""Decision thresholds: from a calibrated probability to benign, malignant or refer.

Fitted by `ml.training.fitting`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ml import fields

ModelAnswer = Literal["benign", "malignant", "refer"]
_WHAT = "Threshold policy"


class PolicyError(fields.JsonFieldError):
    """A policy is malformed, impossible or cannot be fitted."""


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """Three outcomes of calibrated P(malignant) p in [0, 1], each p having exactly one.

    p < refer_low is benign; refer_low <= p <= refer_high is refer, both ends included;
    p > refer_high is malignant. `threshold` lies in the band: it is the two-way cut (malignant
    when p >= threshold) used for sensitivity, specificity and accuracy. A band of width 0 refers
    only p == threshold. `distance_most`, where the network knows its ground: a picture farther than that from
    what it learned from is referred whatever p is. Raises PolicyError when
    0 <= refer_low <= threshold <= refer_high <= 1 does not hold.
    """

    version: str
    threshold: float
    refer_low: float
    refer_high: float
    distance_most: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.refer_low <= self.threshold <= self.refer_high <= 1.0:
            raise PolicyError(
                f"{_WHAT}: expected 0 <= refer_low <= threshold <= refer_high <= 1, received "
                f"{self.refer_low}, {self.threshold}, {self.refer_high}."
            )
        if self.distance_most is not None and not self.distance_most > 0.0:
            raise PolicyError(f"{_WHAT}: expected distance_most above 0, received {self.distance_most}.")

    def is_far(self, distance: float | None) -> bool:
        """Tell whether a picture at `distance` is unlike what the network learned from; False where none is told."""
        return self.distance_most is not None and distance is not None and distance > self.distance_most

    def outcome(self, p: float, distance: float | None = None) -> ModelAnswer:
        """Return the outcome of one calibrated probability; raises PolicyError outside [0, 1].

        `distance`: of `ml.gates.domain.GroundStatistics`, where the network has one.
        """
        if not 0.0 <= p <= 1.0:
            raise PolicyError(f"{_WHAT}: expected a probability in [0, 1], received {p}.")
        if self.is_far(distance):
            return "refer"
        if p < self.refer_low:
            return "benign"
        if p > self.refer_high:
            return "malignant"
        return "refer"

    def outcomes(self, p: ArrayLike) -> list[ModelAnswer]:
        """Return the outcome of each calibrated probability, shape (n,); raises PolicyError."""
        return [self.outcome(float(value)) for value in np.asarray(p, dtype=np.float64)]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "DecisionPolicy":
        """Read the four fields and `distance_most` if there; raises PolicyError with "expected …, received …"."""
        try:
            if isinstance(data, Mapping):
                data = {"distance_most": None, **data}
            fields.check_keys(
                data, ("version", "threshold", "refer_low", "refer_high", "distance_most"), _WHAT
            )
            most = data["distance_most"]
            return cls(
                version=fields.read_text(data, "version", _WHAT),
                threshold=fields.read_number(data, "threshold", _WHAT),
                refer_low=fields.read_number(data, "refer_low", _WHAT),
                refer_high=fields.read_number(data, "refer_high", _WHAT),
                distance_most=None if most is None else fields.read_number(data, "distance_most", _WHAT),
            )
        except PolicyError:
            raise
        except fields.JsonFieldError as error:
            raise PolicyError(str(error)) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that `from_dict` reads; without `distance_most` where there is none."""
        return {key: value for key, value in asdict(self).items() if value is not None}
