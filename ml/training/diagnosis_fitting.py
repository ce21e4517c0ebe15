"""Fitting the diagnoses' calibration: one temperature for the shares within each group, on held-out images."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.datasets.sources import COUNTED
from ml.evaluation.scoring import CLASS_PREFIX
from ml.serving.diagnoses import DiagnosisCalibration, DiagnosisError, share_within

# A temperature beyond these says that the head tells nothing apart, or that there are too few images to tell.
TEMPERATURES = (0.05, 20.0)
# With fewer images of a group its temperature stays 1.
LEAST_IMAGES = 20
_STEPS = 80


def fit_diagnoses(
    raw: ArrayLike,
    allowed: ArrayLike,
    columns: Sequence[int],
    weights: ArrayLike | None = None,
    *,
    least: int = LEAST_IMAGES,
) -> DiagnosisCalibration:
    """Fit the temperature of each group by maximum likelihood; returns the specification's `diagnosis_calibration`.

    `raw`: held-out class probabilities (n, classes) of the network; `allowed`: bool (n, classes), which diagnoses
    each image may show: one where the diagnosis is known, several where a label is partial; `columns`: the classes
    that count as malignant; `weights` (n,) above 0, all alike without. An image tells of a group where everything
    it may show lies within it, and not the whole of it. A group with fewer than `least` such images keeps 1.
    The likelihood of one image is the share of what it may show within its group, so that it has one minimum in
    practice; golden-section search on the logarithm of the temperature (Kiefer 1953). Raises DiagnosisError for
    shapes that don't belong together and for an image that may show nothing.
    """
    values = np.asarray(raw, dtype=np.float64)
    may = np.asarray(allowed, dtype=bool)
    each = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    if values.ndim != 2 or values.shape != may.shape or each.shape != values.shape[:1]:
        raise DiagnosisError(
            f"Expected what each image may show, and its weight, beside {values.shape} probabilities, received "
            f"{may.shape} and {each.shape}."
        )
    if not may.any(axis=1).all():
        raise DiagnosisError("Expected at least one diagnosis that each image may show, received none.")
    is_malignant = np.isin(np.arange(values.shape[1]), list(columns))
    found = [_fit_group(values, may, each, group, least) for group in (is_malignant, ~is_malignant)]
    return DiagnosisCalibration(*found)


def allow_diagnoses(diagnoses: Sequence[Sequence[str]], classes: Sequence[str]) -> NDArray[np.bool_]:
    """Return what each image may show, bool (n, classes), from the names of its possible diagnoses.

    No name, or none that the network has a class for: every class, so that the image tells nothing.
    """
    places = {name: place for place, name in enumerate(classes)}
    allowed = np.zeros((len(diagnoses), len(classes)), dtype=bool)
    for row, names in enumerate(diagnoses):
        allowed[row, [places[name] for name in names if name in places]] = True
    allowed[~allowed.any(axis=1)] = True
    return allowed


def fit_left_out_diagnoses(path: Path, malignant: Sequence[str]) -> DiagnosisCalibration:
    """Fit on a table of `ml.training.left_out_sources.write_left_out`: images of the COUNTED sources, each left out.

    `malignant`: names of the classes that count as malignant. Raises DiagnosisError for a table that tells no
    diagnoses, and as `fit_diagnoses`.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["hold_out"] in COUNTED]
    columns = [name for name in rows[0] if name.startswith(CLASS_PREFIX)] if rows else []
    if not columns or "diagnosis" not in rows[0]:
        raise DiagnosisError(f"Expected diagnosis and {CLASS_PREFIX}… columns in {path.name}, received none.")
    classes = [name.removeprefix(CLASS_PREFIX) for name in columns]
    raw = np.array([[float(row[name]) for name in columns] for row in rows])
    allowed = allow_diagnoses([[row["diagnosis"]] for row in rows], classes)
    return fit_diagnoses(raw, allowed, [classes.index(name) for name in malignant])


def _fit_group(
    values: NDArray[np.float64],
    may: NDArray[np.bool_],
    weights: NDArray[np.float64],
    group: NDArray[np.bool_],
    least: int,
) -> float:
    tells = ~may[:, ~group].any(axis=1) & ~may[:, group].all(axis=1)
    if int(tells.sum()) < least:
        return 1.0
    inside, wanted, each = values[tells][:, group], may[tells][:, group], weights[tells]

    def measure(logarithm: float) -> float:
        shares = (share_within(inside, float(np.exp(logarithm))) * wanted).sum(axis=1)
        return float(-(each * np.log(np.maximum(shares, 1e-300))).sum())

    return round(float(np.exp(_minimise(measure, *np.log(TEMPERATURES)))), 6)


def _minimise(function: Callable[[float], float], low: float, high: float) -> float:
    """Golden-section search of the minimum between `low` and `high`."""
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return (low + high) / 2.0
