"""Fitting calibration (Platt scaling) and decision thresholds (conformal) on held-out images."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.serving.calibration import Calibration, CalibrationError, logit, sigmoid
from ml.serving.policy import DecisionPolicy, PolicyError


def fit_platt(p: ArrayLike, y: ArrayLike) -> Calibration:
    """Fit Platt scaling on raw P(malignant) `p`, shape (n,), and labels `y`, 1 = malignant.

    Newton's method on the cross-entropy with Platt's smoothed targets, as in Lin, Lin and Weng
    2007, "A note on Platt's probabilistic outputs for support vector machines", which keeps a
    separable sample from an infinite slope. Raises CalibrationError when a class is missing or
    the fitted slope is not positive (the network would rank the classes the wrong way round).
    """
    x = logit(np.asarray(p, dtype=np.float64))
    positive = np.asarray(y).astype(bool)
    n_positive = int(positive.sum())
    n_negative = int(positive.size - n_positive)
    if x.shape != positive.shape or x.ndim != 1 or not n_positive or not n_negative:
        raise CalibrationError(
            f"Calibration: expected probabilities and labels of both classes, shape (n,), received "
            f"{n_positive} malignant and {n_negative} benign for {x.shape}."
        )
    target = np.where(positive, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    design = np.stack([x, np.ones_like(x)], axis=1)
    weights = np.array([0.0, np.log((n_positive + 1) / (n_negative + 1))])
    loss = _cross_entropy(design @ weights, target)
    for _ in range(100):
        q = sigmoid(design @ weights)
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


def fit_policy(
    p: ArrayLike,
    y: ArrayLike,
    *,
    version: str,
    sensitivity: float = 0.95,
    benign_miss_rate: float = 0.05,
    malignant_false_rate: float = 0.10,
) -> DecisionPolicy:
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
            raise PolicyError(f"Threshold policy: expected a rate between 0 and 1, received {rate}.")
    if not malignant.size or not benign.size:
        raise PolicyError(
            f"Threshold policy: expected both classes, received {malignant.size} malignant and {benign.size} benign."
        )
    allowed_misses = math.floor((1.0 - sensitivity) * malignant.size + 1e-9)
    threshold = float(malignant[allowed_misses])
    low = _lower_quantile(malignant, benign_miss_rate, floor=0.0)
    high = -_lower_quantile(-benign[::-1], malignant_false_rate, floor=-1.0)
    if low > high:
        cut = min(max(threshold, high), low)
        return DecisionPolicy(version, cut, cut, cut)
    return DecisionPolicy(version, min(max(threshold, low), high), low, high)


def _cross_entropy(z: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    return float(np.sum(np.logaddexp(0.0, z) - target * z))


def _lower_quantile(values: NDArray[np.float64], rate: float, *, floor: float) -> float:
    """Return q with P(new < q) <= rate for a new value exchangeable with the sorted `values`.

    `floor`, the least possible value, is returned when there are too few values to promise it.
    """
    rank = math.floor(rate * (values.size + 1) + 1e-9)
    return float(values[rank - 1]) if rank else floor
