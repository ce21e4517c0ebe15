"""From a network's raw output to a probability that means what it says."""

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


class CalibrationError(fields.FieldError):
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
        except fields.FieldError as error:
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
        return _sigmoid(self.a * _logit(raw) + self.b)


def fit_platt(p: ArrayLike, y: ArrayLike) -> Calibration:
    """Fit Platt scaling on raw P(malignant) `p`, shape (n,), and labels `y`, 1 = malignant.

    Newton's method on the cross-entropy with Platt's smoothed targets, as in Lin, Lin and Weng
    2007, "A note on Platt's probabilistic outputs for support vector machines", which keeps a
    separable sample from an infinite slope. Raises CalibrationError when a class is missing or
    the fitted slope is not positive (the network would rank the classes the wrong way round).
    """
    x = _logit(np.asarray(p, dtype=np.float64))
    positive = np.asarray(y).astype(bool)
    n_positive = int(positive.sum())
    n_negative = int(positive.size - n_positive)
    if x.shape != positive.shape or x.ndim != 1 or not n_positive or not n_negative:
        raise CalibrationError(
            f"{_WHAT}: expected probabilities and labels of both classes, shape (n,), received "
            f"{n_positive} malignant and {n_negative} benign for {x.shape}."
        )
    target = np.where(positive, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    design = np.stack([x, np.ones_like(x)], axis=1)
    weights = np.array([0.0, np.log((n_positive + 1) / (n_negative + 1))])
    loss = _cross_entropy(design @ weights, target)
    for _ in range(100):
        q = _sigmoid(design @ weights)
        gradient = design.T @ (q - target)
        hessian = (design * (q * (1 - q))[:, None]).T @ design + 1e-12 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        scale = 1.0
        while (trial := _cross_entropy(design @ (weights - scale * step), target)) > loss:
            scale /= 2
            if scale < 1e-10:
                break
        weights = weights - scale * step
        if abs(loss - trial) < 1e-12 or float(np.abs(gradient).max()) < 1e-9:
            break
        loss = trial
    slope, offset = float(weights[0]), float(weights[1])
    return Calibration.from_dict({"method": "platt", "a": slope, "b": offset})


def _logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(p, _MARGIN, 1.0 - _MARGIN)
    return np.log(inside) - np.log1p(-inside)


def _sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


def _cross_entropy(z: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    return float(np.sum(np.logaddexp(0.0, z) - target * z))
