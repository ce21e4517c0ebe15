"""Calibration: from a network's raw output to a probability that means what it says.

Fitted by `ml.training.fitting`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml import fields

# A float32 sigmoid saturates at 0 and 1; the logit is taken inside this margin.
_MARGIN = 1e-7
METHODS = ("identity", "platt")
_WHAT = "Calibration"


class CalibrationError(fields.JsonFieldError):
    """A calibration is malformed or cannot be fitted."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone map of P(malignant) to calibrated P(malignant), both in [0, 1].

    `identity` leaves the value. `platt` is sigmoid(a * logit(p) + b) with a > 0, so that
    calibration never changes the order of two images (Platt 1999, "Probabilistic outputs for
    support vector machines", section 2.1).
    """

    method: str = "identity"
    a: float = 1.0
    b: float = 0.0

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Calibration":
        """Read `{"method": "identity"}` or `{"method": "platt", "a": …, "b": …}`.

        Raises CalibrationError with "expected …, received …".
        """
        method = data.get("method") if isinstance(data, Mapping) else None
        if method not in METHODS:
            raise CalibrationError(
                f"{_WHAT}: expected a method among {', '.join(METHODS)}, received {fields.describe(method)}."
            )
        try:
            if method == "identity":
                fields.check_keys(data, ("method",), _WHAT)
                return cls()
            fields.check_keys(data, ("method", "a", "b"), _WHAT)
            slope = fields.read_number(data, "a", _WHAT)
            offset = fields.read_number(data, "b", _WHAT)
        except fields.JsonFieldError as error:
            raise CalibrationError(str(error)) from error
        if slope <= 0:
            raise CalibrationError(f"{_WHAT}: expected 'a' above 0, received {slope}.")
        return cls("platt", slope, offset)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that `from_dict` reads."""
        if self.method == "identity":
            return {"method": "identity"}
        return {"method": self.method, "a": self.a, "b": self.b}

    def apply(self, p: ArrayLike) -> NDArray[np.float64]:
        """Return calibrated probabilities, float64 of the shape of `p`.

        Raises CalibrationError when a value is not a probability in [0, 1].
        """
        raw = np.asarray(p, dtype=np.float64)
        if raw.size and not (np.all(raw >= 0.0) and np.all(raw <= 1.0)):
            raise CalibrationError(f"{_WHAT}: expected probabilities in [0, 1], received others.")
        if self.method == "identity":
            return raw.copy()
        return sigmoid(self.a * logit(raw) + self.b)


def logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-odds of probabilities in [0, 1], taken inside 1e-7, of the same shape."""
    inside = np.clip(p, _MARGIN, 1.0 - _MARGIN)
    return np.log(inside) - np.log1p(-inside)


def sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities in (0, 1) of log-odds `z`, of the same shape."""
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0 / (1.0 + small), small / (1.0 + small))
