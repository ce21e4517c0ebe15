"""From a calibrated probability to one of three outcomes: benign, malignant or refer."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml import fields

Outcome = Literal["benign", "malignant", "refer"]
_WHAT = "Threshold policy"


class PolicyError(fields.FieldError):
    """A policy is malformed, impossible or cannot be fitted."""


@dataclass(frozen=True, slots=True)
class ThresholdPolicy:
    """Three outcomes of calibrated P(malignant) p in [0, 1], each p having exactly one.

    p < refer_low is benign; refer_low <= p <= refer_high is refer, both ends included;
    p > refer_high is malignant. `threshold` lies in the band: it is the two-way cut (malignant
    when p >= threshold) used for sensitivity, specificity and accuracy. A band of width 0 refers
    only p == threshold. Raises PolicyError when 0 <= refer_low <= threshold <= refer_high <= 1
    does not hold.
    """

    version: str
    threshold: float
    refer_low: float
    refer_high: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.refer_low <= self.threshold <= self.refer_high <= 1.0:
            raise PolicyError(
                f"{_WHAT}: expected 0 <= refer_low <= threshold <= refer_high <= 1, received "
                f"{self.refer_low}, {self.threshold}, {self.refer_high}."
            )

    def outcome(self, p: float) -> Outcome:
        """Return the outcome of one calibrated probability; raises PolicyError outside [0, 1]."""
        if not 0.0 <= p <= 1.0:
            raise PolicyError(f"{_WHAT}: expected a probability in [0, 1], received {p}.")
        if p < self.refer_low:
            return "benign"
        if p > self.refer_high:
            return "malignant"
        return "refer"

    def outcomes(self, p: ArrayLike) -> list[Outcome]:
        """Return the outcome of each calibrated probability, shape (n,); raises PolicyError."""
        return [self.outcome(float(value)) for value in np.asarray(p, dtype=np.float64)]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ThresholdPolicy":
        """Read the four fields; raises PolicyError with "expected …, received …"."""
        try:
            fields.check_keys(data, ("version", "threshold", "refer_low", "refer_high"), _WHAT)
            return cls(
                version=fields.read_text(data, "version", _WHAT),
                threshold=fields.read_number(data, "threshold", _WHAT),
                refer_low=fields.read_number(data, "refer_low", _WHAT),
                refer_high=fields.read_number(data, "refer_high", _WHAT),
            )
        except PolicyError:
            raise
        except fields.FieldError as error:
            raise PolicyError(str(error)) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that `from_dict` reads."""
        return asdict(self)


def fit_policy(
    p: ArrayLike,
    y: ArrayLike,
    *,
    version: str,
    sensitivity: float = 0.95,
    benign_miss_rate: float = 0.05,
    malignant_false_rate: float = 0.10,
) -> ThresholdPolicy:
    """Choose the threshold and the refer band on validation data, sensitivity first.

    `p`: calibrated P(malignant), shape (n,); `y`: labels, 1 = malignant. The threshold is the
    highest with at least `sensitivity` of the malignant at or above it. The band's ends are
    class-conditional (Mondrian) conformal quantiles (Vovk 2012, "Conditional validity of
    inductive conformal predictors", section 5): a new malignant image falls below `refer_low`,
    and so is called benign, with probability at most `benign_miss_rate`; a new benign image
    rises above `refer_high` with probability at most `malignant_false_rate`, as long as new
    images are drawn like these. Where both promises hold without a band it has width 0.
    Raises PolicyError when a class is missing or a rate is outside (0, 1).
    """
    probability = np.asarray(p, dtype=np.float64)
    label = np.asarray(y).astype(bool)
    malignant = np.sort(probability[label])
    benign = np.sort(probability[~label])
    for rate in (sensitivity, benign_miss_rate, malignant_false_rate):
        if not 0.0 < rate < 1.0:
            raise PolicyError(f"{_WHAT}: expected a rate between 0 and 1, received {rate}.")
    if not malignant.size or not benign.size:
        raise PolicyError(
            f"{_WHAT}: expected both classes, received {malignant.size} malignant and {benign.size} benign."
        )
    allowed_misses = math.floor((1.0 - sensitivity) * malignant.size + 1e-9)
    threshold = float(malignant[allowed_misses])
    low = _lower_quantile(malignant, benign_miss_rate, floor=0.0)
    high = -_lower_quantile(-benign[::-1], malignant_false_rate, floor=-1.0)
    if low > high:
        cut = min(max(threshold, high), low)
        return ThresholdPolicy(version, cut, cut, cut)
    return ThresholdPolicy(version, min(max(threshold, low), high), low, high)


def _lower_quantile(values: NDArray[np.float64], rate: float, *, floor: float) -> float:
    """Return q with P(new < q) <= rate for a new value exchangeable with the sorted `values`.

    `floor`, the least possible value, is returned when there are too few values to promise it.
    """
    rank = math.floor(rate * (values.size + 1) + 1e-9)
    return float(values[rank - 1]) if rank else floor
