"""What a test tells at the bedside: predictive values, specificity where few are missed, coverage."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.evaluation.metrics import Interval, MetricsError

_Z = 1.959963984540054
# Of the lesions seen: in a general practice, in a referral clinic, and in the paper's images.
PREVALENCES = (0.02, 0.066, 0.45)


def measure_specificity_at(p: NDArray[np.float64], y: NDArray[np.bool_], sensitivity: float = 0.95) -> float:
    """Return the highest specificity of any cut of `p` (n,) with at least `sensitivity`, in [0, 1].

    `y`: True = malignant. Raises MetricsError when a class is missing.
    """
    malignant, benign = np.sort(p[y]), p[~y]
    if not malignant.size or not benign.size:
        raise MetricsError("Expected images of both classes, received one class.")
    missed = math.floor((1 - sensitivity) * malignant.size + 1e-9)
    return float(np.mean(benign < malignant[missed]))


def measure_predictive_values(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float, float]:
    """Return (PPV, NPV) at a prevalence by Bayes' rule; nan where no such answer is ever given."""
    true_positive, false_positive = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    true_negative, false_negative = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    called, cleared = true_positive + false_positive, true_negative + false_negative
    return (true_positive / called if called else math.nan, true_negative / cleared if cleared else math.nan)


def bound_predictive_values(
    hits: int, malignant: int, cleared: int, benign: int, prevalence: float
) -> tuple[Interval, Interval]:
    """Return the 95 % intervals of (PPV, NPV) when `hits` of `malignant` and `cleared` of `benign` are right.

    The adjusted logit interval of Mercaldo, Lau and Zhou 2007 ("Confidence intervals for
    predictive values with an emphasis to case-control studies"), widened to hold the plain
    estimate where it doesn't. Raises MetricsError when a class is missing.
    """
    if malignant < 1 or benign < 1 or not 0 < prevalence < 1:
        raise MetricsError(f"Expected both classes, received {malignant} malignant, {benign} benign.")
    n_malignant, n_benign = malignant + _Z**2, benign + _Z**2
    sensitivity, specificity = (hits + _Z**2 / 2) / n_malignant, (cleared + _Z**2 / 2) / n_benign
    plain = measure_predictive_values(hits / malignant, cleared / benign, prevalence)
    adjusted = measure_predictive_values(sensitivity, specificity, prevalence)
    variances = (
        (1 - sensitivity) / sensitivity / n_malignant + specificity / (1 - specificity) / n_benign,
        sensitivity / (1 - sensitivity) / n_malignant + (1 - specificity) / specificity / n_benign,
    )
    first, second = (
        _bound(value, variance, estimate)
        for value, variance, estimate in zip(adjusted, variances, plain, strict=True)
    )
    return first, second


def _bound(value: float, variance: float, estimate: float) -> Interval:
    centre, half = math.log(value / (1 - value)), _Z * math.sqrt(variance)
    low, high = (1 / (1 + math.exp(-side)) for side in (centre - half, centre + half))
    return (low, high) if math.isnan(estimate) else (min(low, estimate), max(high, estimate))


def trace_coverage(
    p: ArrayLike, y: ArrayLike, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (coverage, error) as images nearest to the threshold are left to a person, most sure first.

    `p`: calibrated P(malignant) (n,); sureness is the distance of the logits (El-Yaniv and Wiener
    2010, "On the foundations of noise-free selective classification"). Both float64 (n,):
    coverage rises from 1/n to 1; error is the share wrong of the images answered.
    """
    score, positive = np.asarray(p, dtype=np.float64), np.asarray(y).astype(bool)
    cut = min(max(threshold, 1e-7), 1 - 1e-7)
    inside = np.clip(score, 1e-7, 1 - 1e-7)
    sure = np.abs(np.log(inside / (1 - inside)) - math.log(cut / (1 - cut)))
    order = np.argsort(-sure, kind="stable")
    wrong = ((score >= threshold) != positive)[order]
    answered = np.arange(1, score.size + 1)
    return answered / score.size, np.cumsum(wrong) / answered
