"""Calibration: from a network's raw output to a probability that means what it says.

Fitted by `ml.training.fitting`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml import fields

# A float32 sigmoid saturates at 0 and 1; the logit is taken inside this margin.
_MARGIN = 1e-7
METHODS = ("identity", "platt")
_WHAT = "Calibration"
_SOURCE = ("source", "a", "b", "prevalence")


class CalibrationError(fields.JsonFieldError):
    """A calibration is malformed or cannot be fitted."""


@dataclass(frozen=True, slots=True)
class SourceCalibration:
    """Platt scaling of one source of images alone, judged by a network that never saw it.

    `a`, at least 0 (0: the network tells nothing apart there), and `b` as in `Calibration`; `prevalence`: the
    share of its images that are malignant, in (0, 1).
    """

    source: str
    a: float
    b: float
    prevalence: float

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "SourceCalibration":
        """Read the four fields; raises `ml.fields.JsonFieldError` or CalibrationError."""
        what = f"{_WHAT}, sources"
        fields.check_keys(data, _SOURCE, what)
        slope = fields.read_number(data, "a", what)
        if slope < 0:
            raise CalibrationError(f"{what}: expected 'a' of at least 0, received {slope}.")
        return cls(
            source=fields.read_text(data, "source", what),
            a=slope,
            b=fields.read_number(data, "b", what),
            prevalence=_read_prevalence(data, what),
        )


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone map of P(malignant) to calibrated P(malignant), both in [0, 1].

    `identity` leaves the value. `platt` is sigmoid(a * logit(p) + b) with a > 0, so that
    calibration never changes the order of two images (Platt 1999, "Probabilistic outputs for
    support vector machines", section 2.1). `prevalence`, in (0, 1), where it is told: the share of the images it
    was fitted on that are malignant, as they were weighted. `sources`: the same map of each left-out source alone.
    """

    method: str = "identity"
    a: float = 1.0
    b: float = 0.0
    prevalence: float | None = None
    sources: tuple[SourceCalibration, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Calibration":
        """Read `{"method": "identity"}` or `{"method": "platt", "a": …, "b": …}`.

        The latter may have `prevalence` and `sources`, a list of what `SourceCalibration.from_dict` reads. Raises CalibrationError with "expected …, received …".
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
            told = {"prevalence": None, "sources": [], **data}
            fields.check_keys(told, ("method", "a", "b", "prevalence", "sources"), _WHAT)
            slope = fields.read_number(told, "a", _WHAT)
            offset = fields.read_number(told, "b", _WHAT)
            prevalence = None if told["prevalence"] is None else _read_prevalence(told, _WHAT)
            sources = _read_sources(told["sources"])
        except CalibrationError:
            raise
        except fields.JsonFieldError as error:
            raise CalibrationError(str(error)) from error
        if slope <= 0:
            raise CalibrationError(f"{_WHAT}: expected 'a' above 0, received {slope}.")
        return cls("platt", slope, offset, prevalence, sources)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that `from_dict` reads; what isn't told is left out."""
        if self.method == "identity":
            return {"method": "identity"}
        data: dict[str, Any] = {"method": self.method, "a": self.a, "b": self.b}
        if self.prevalence is not None:
            data["prevalence"] = self.prevalence
        if self.sources:
            data["sources"] = [asdict(one) for one in self.sources]
        return data

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


def _read_prevalence(data: Mapping[str, Any], what: str) -> float:
    prevalence = fields.read_number(data, "prevalence", what)
    if not 0.0 < prevalence < 1.0:
        raise CalibrationError(f"{what}: expected 'prevalence' between 0 and 1, received {prevalence}.")
    return prevalence


def _read_sources(data: object) -> tuple[SourceCalibration, ...]:
    if not isinstance(data, list | tuple):
        raise CalibrationError(
            f"{_WHAT}: expected a list of objects in 'sources', received {fields.describe(data)}."
        )
    sources = tuple(SourceCalibration.from_dict(one) for one in data)
    if len({one.source for one in sources}) != len(sources):
        raise CalibrationError(f"{_WHAT}: expected each source once in 'sources', received one twice.")
    return sources


def logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-odds of probabilities in [0, 1], taken inside 1e-7, of the same shape."""
    inside = np.clip(p, _MARGIN, 1.0 - _MARGIN)
    return np.log(inside) - np.log1p(-inside)


def sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities in (0, 1) of log-odds `z`, of the same shape."""
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0 / (1.0 + small), small / (1.0 + small))
