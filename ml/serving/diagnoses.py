"""Diagnoses: from a softmax over diagnoses to probabilities that can't contradict P(malignant).

One head, one figure: raw P(malignant) is the sum of the malignant classes, and is calibrated as any network's. A
diagnosis's probability is derived from it: its share within its group, malignant or benign, times the calibrated
probability of that group. So the malignant diagnoses add up to P(malignant) whatever is fitted. The shares have a
temperature each group (Guo et al. 2017, "On calibration of modern neural networks", section 4.2), fitted by
`ml.training.diagnosis_fitting`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml import fields

# A softmax of float32 underflows to 0: its logarithm is taken above this.
SMALLEST = 1e-12
# With fewer classes a diagnosis says no more than the figure does.
LEAST_CLASSES = 3
_CALIBRATION = "Diagnosis calibration"
_POLICY = "Diagnosis policy"


class DiagnosisError(fields.JsonFieldError):
    """A diagnosis calibration or policy is malformed, or does not fit the probabilities."""


@dataclass(frozen=True, slots=True)
class DiagnosisCalibration:
    """A temperature above 0 for the shares within each group; 1 leaves them, more makes them more alike."""

    malignant_temperature: float = 1.0
    benign_temperature: float = 1.0

    def __post_init__(self) -> None:
        for name, value in self.to_dict().items():
            if not 0.0 < value < float("inf"):
                raise DiagnosisError(f"{_CALIBRATION}: expected {name!r} above 0, received {value}.")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "DiagnosisCalibration":
        """Read the two fields, or `{}` as 1 and 1; raises DiagnosisError with "expected …, received …"."""
        if isinstance(data, Mapping) and not data:
            return cls()
        names = ("malignant_temperature", "benign_temperature")
        try:
            fields.check_keys(data, names, _CALIBRATION)
            return cls(*(fields.read_number(data, name, _CALIBRATION) for name in names))
        except DiagnosisError:
            raise
        except fields.JsonFieldError as error:
            raise DiagnosisError(str(error)) from error

    def to_dict(self) -> dict[str, float]:
        """Return the JSON object that `from_dict` reads."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DiagnosisPolicy:
    """When one diagnosis stands out: else "none of these" is said first.

    `top_least`: the first must reach this probability. `entropy_most`, where given: the entropy of all, as a share
    of the largest possible, must not be above it; both in [0, 1].
    """

    version: str = "half-1"
    top_least: float = 0.5
    entropy_most: float | None = None

    def __post_init__(self) -> None:
        limits = {"top_least": self.top_least, "entropy_most": self.entropy_most}
        for name, value in limits.items():
            if value is not None and not 0.0 <= value <= 1.0:
                raise DiagnosisError(f"{_POLICY}: expected {name!r} in [0, 1], received {value}.")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "DiagnosisPolicy":
        """Read `version`, `top_least` and `entropy_most` if there, or `{}` as the default; raises DiagnosisError."""
        if isinstance(data, Mapping) and not data:
            return cls()
        try:
            if isinstance(data, Mapping):
                data = {"entropy_most": None, **data}
            fields.check_keys(data, ("version", "top_least", "entropy_most"), _POLICY)
            most = data["entropy_most"]
            return cls(
                version=fields.read_text(data, "version", _POLICY),
                top_least=fields.read_number(data, "top_least", _POLICY),
                entropy_most=None if most is None else fields.read_number(data, "entropy_most", _POLICY),
            )
        except DiagnosisError:
            raise
        except fields.JsonFieldError as error:
            raise DiagnosisError(str(error)) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that `from_dict` reads; without `entropy_most` where there is none."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def stands_out(self, probabilities: ArrayLike) -> bool:
        """Tell whether one of `probabilities` (classes,), adding up to 1, stands out from the others."""
        values = np.asarray(probabilities, dtype=np.float64)
        if float(values.max()) < self.top_least:
            return False
        return self.entropy_most is None or measure_entropy(values) <= self.entropy_most


def measure_entropy(probabilities: NDArray[np.float64]) -> float:
    """Return the entropy of `probabilities` (classes,) as a share of the largest possible, in [0, 1]."""
    inside = probabilities[probabilities > 0]
    return float(-(inside * np.log(inside)).sum() / np.log(probabilities.size))


@dataclass(frozen=True, slots=True)
class NamedDiagnosis:
    """One class as the specification calls it, its probability in [0, 1], and its group."""

    name: str
    probability: float
    is_malignant: bool


@dataclass(frozen=True, slots=True)
class NamedDiagnoses:
    """Every diagnosis of one image, the most probable first, and whether the first stands out by `policy`."""

    diagnoses: tuple[NamedDiagnosis, ...]
    stands_out: bool
    policy: DiagnosisPolicy

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object: `classes` (each `name`, `probability`, `is_malignant`), `stands_out`, `policy`."""
        return {
            "classes": [asdict(one) for one in self.diagnoses],
            "stands_out": self.stands_out,
            "policy": self.policy.to_dict(),
        }


def derive_diagnoses(
    raw: ArrayLike, malignant: ArrayLike, columns: Sequence[int], calibration: DiagnosisCalibration
) -> NDArray[np.float64]:
    """Return each diagnosis's probability, float64 (n, classes), rows adding up to 1.

    `raw`: the network's class probabilities (n, classes); `malignant`: calibrated P(malignant) (n,); `columns`: the
    classes that count as malignant, whose probabilities add up to it. Raises DiagnosisError for shapes that don't
    belong together, for values outside [0, 1] and for a group without a class.
    """
    values = np.asarray(raw, dtype=np.float64)
    figure = np.asarray(malignant, dtype=np.float64)
    if values.ndim != 2 or figure.shape != values.shape[:1]:
        raise DiagnosisError(
            f"Expected a row of class probabilities for each figure, received {values.shape}, {figure.shape}."
        )
    if any(np.any((part < 0.0) | (part > 1.0) | np.isnan(part)) for part in (values, figure)):
        raise DiagnosisError("Expected probabilities in [0, 1], received others.")
    is_malignant = np.isin(np.arange(values.shape[1]), list(columns))
    if is_malignant.all() or not is_malignant.any():
        raise DiagnosisError("Expected malignant and benign classes, received one group.")
    result = np.empty_like(values)
    groups = (
        (is_malignant, figure, calibration.malignant_temperature),
        (~is_malignant, 1.0 - figure, calibration.benign_temperature),
    )
    for group, whole, temperature in groups:
        result[:, group] = share_within(values[:, group], temperature) * whole[:, None]
    return result


def share_within(raw: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return the share of each class within its group, float64 (n, classes), rows adding up to 1.

    `raw`: the group's class probabilities (n, classes) in [0, 1]; `temperature` above 0. Where all are 0 the shares
    are alike.
    """
    logits = np.log(np.maximum(raw, SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def average_classes(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average class probabilities of (views, n, classes) over the views on the logarithmic scale, to (n, classes).

    One view is returned as it is; rows add up to 1.
    """
    if len(probabilities) == 1:
        only: NDArray[np.float64] = probabilities[0]
        return only
    return share_within(np.exp(np.log(np.maximum(probabilities, SMALLEST)).mean(axis=0)), 1.0)


def name_diagnoses(
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    malignant: Sequence[str],
    policy: DiagnosisPolicy,
) -> NamedDiagnoses:
    """Name the diagnoses of one image, `probabilities` (classes,) in the order of `classes`, most probable first."""
    order = np.argsort(-probabilities, kind="stable")
    named = tuple(
        NamedDiagnosis(classes[place], float(probabilities[place]), classes[place] in malignant)
        for place in order
    )
    return NamedDiagnoses(named, policy.stands_out(probabilities), policy)
