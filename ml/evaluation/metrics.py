"""How good predictions are, each figure with its 95 % interval."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.serving.policy import ThresholdPolicy

_Z = 1.959963984540054
Interval = tuple[float, float]


class MetricsError(ValueError):
    """The predictions cannot be scored: another length, or a class without images."""


def measure_wilson(successes: int, total: int) -> Interval:
    """Return the 95 % Wilson score interval of a proportion (Wilson 1927); total at least 1."""
    if not 0 <= successes <= total or total < 1:
        raise MetricsError(f"Expected 0 to {total} successes of at least 1, received {successes}.")
    share = successes / total
    scale = 1 + _Z**2 / total
    centre = (share + _Z**2 / (2 * total)) / scale
    half = _Z * math.sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2)) / scale
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    return (low, 1.0 if successes == total else min(1.0, centre + half))


def measure_auc(p: ArrayLike, y: ArrayLike) -> float:
    """Return the area under the ROC curve of scores `p` (n,) for labels `y`, ties counted half."""
    score, positive = _check(p, y)
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n_positive = int(positive.sum())
    n_negative = positive.size - n_positive
    wins = ranks[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(wins / (n_positive * n_negative))


def measure_ece(p: ArrayLike, y: ArrayLike, bins: int = 10) -> float:
    """Return the expected calibration error of P(malignant) `p` (n,), in [0, 1].

    The mean, weighted by count, of |mean p - share malignant| over `bins` bins of equal width
    (Naeini, Cooper and Hauskrecht 2015, with the probability of one class, not the top class).
    """
    score, positive = _check(p, y)
    index = np.minimum((score * bins).astype(np.int64), bins - 1)
    count = np.bincount(index, minlength=bins)
    gap = np.abs(
        np.bincount(index, weights=score, minlength=bins)
        - np.bincount(index, weights=positive.astype(np.float64), minlength=bins)
    )
    return float(gap[count > 0].sum() / score.size)


def bootstrap(
    figure: Callable[[NDArray[np.float64], NDArray[np.bool_]], float],
    p: ArrayLike,
    y: ArrayLike,
    *,
    rounds: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return the 95 % percentile interval of `figure(p, y)`, images drawn anew in each class."""
    score, positive = _check(p, y)
    generator = np.random.default_rng(seed)
    parts = (np.flatnonzero(positive), np.flatnonzero(~positive))
    values = []
    for _ in range(rounds):
        drawn = np.concatenate([generator.choice(part, part.size) for part in parts])
        values.append(figure(score[drawn], positive[drawn]))
    low, high = np.quantile(values, (0.025, 0.975))
    return (float(low), float(high))


def measure_all(p: ArrayLike, y: ArrayLike, policy: ThresholdPolicy, *, rounds: int = 2000) -> dict[str, Any]:
    """Return every figure of calibrated P(malignant) `p` (n,) for labels `y`, 1 = malignant.

    Accuracy, sensitivity and specificity are of the two-way cut at the policy's threshold.
    `coverage` is the share not referred; `malignant_called_benign` and `benign_called_malignant`
    are shares of that class; `decided_accuracy` is of the images not referred. Each is
    {value, low, high}: Wilson for shares, stratified bootstrap for AUC and ECE.
    Raises MetricsError when a class is missing.
    """
    score, positive = _check(p, y)
    called = score >= policy.threshold
    benign = score < policy.refer_low
    malignant = score > policy.refer_high
    decided = benign | malignant
    right = (benign & ~positive) | (malignant & positive)
    return {
        "images": int(score.size),
        "benign": int((~positive).sum()),
        "malignant": int(positive.sum()),
        "accuracy": _share(called == positive),
        "auc": _boxed(measure_auc(score, positive), bootstrap(measure_auc, p, y, rounds=rounds)),
        "sensitivity": _share(called[positive]),
        "specificity": _share(~called[~positive]),
        "coverage": _share(decided),
        "malignant_called_benign": _share(benign[positive]),
        "benign_called_malignant": _share(malignant[~positive]),
        "decided_accuracy": _share(right[decided]) if decided.any() else None,
        "ece": _boxed(measure_ece(score, positive), bootstrap(measure_ece, p, y, rounds=rounds)),
        "brier": round(float(np.mean((score - positive) ** 2)), 6),
    }


def _share(hits: NDArray[np.bool_]) -> dict[str, float]:
    return _boxed(float(hits.mean()), measure_wilson(int(hits.sum()), hits.size))


def _boxed(value: float, interval: Interval) -> dict[str, float]:
    return {
        "value": round(value, 6),
        "low": round(interval[0], 6),
        "high": round(interval[1], 6),
    }


def _check(p: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    score = np.asarray(p, dtype=np.float64)
    positive = np.asarray(y).astype(bool)
    if score.ndim != 1 or score.shape != positive.shape:
        raise MetricsError(f"Expected one label a score, received {positive.shape}, {score.shape}.")
    if positive.all() or not positive.any():
        raise MetricsError("Expected images of both classes, received one class.")
    return score, positive
