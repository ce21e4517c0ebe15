"""Fitting calibration (Platt scaling) and decision thresholds (conformal) on held-out images."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.serving.calibration import Calibration, CalibrationError, SourceCalibration, logit, sigmoid
from ml.serving.policy import DecisionPolicy, PolicyError


def fit_platt(p: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> Calibration:
    """Fit Platt scaling on raw P(malignant) `p`, shape (n,), and labels `y`, 1 = malignant.

    `weights` (n,), above 0, of each image, where some shall count for more; all alike without.

    Newton's method on the cross-entropy with Platt's smoothed targets, as in Lin, Lin and Weng
    2007, "A note on Platt's probabilistic outputs for support vector machines", which keeps a
    separable sample from an infinite slope. It tells the prevalence, weighted alike. Raises CalibrationError when a
    class is missing or the fitted slope is not positive (the network would rank the classes the wrong way round).
    """
    slope, offset = _fit_line(p, y, weights)
    prevalence = float(
        np.average(np.asarray(y).astype(bool), weights=None if weights is None else np.asarray(weights))
    )
    return Calibration.from_dict({"method": "platt", "a": slope, "b": offset, "prevalence": prevalence})


def _fit_line(p: ArrayLike, y: ArrayLike, weights: ArrayLike | None) -> tuple[float, float]:
    """Return slope, of either sign, and offset of Platt scaling; raises CalibrationError when a class is missing."""
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
    each = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    each = each / each.mean()
    line = np.array([0.0, np.log((n_positive + 1) / (n_negative + 1))])
    loss = _cross_entropy(design @ line, target, each)
    for _ in range(100):
        q = sigmoid(design @ line)
        gradient = design.T @ (each * (q - target))
        hessian = (design * (each * q * (1 - q))[:, None]).T @ design + 1e-12 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        scale = 1.0
        while (trial := _cross_entropy(design @ (line - scale * step), target, each)) > loss:
            scale /= 2
            if scale < 1e-10:
                break
        line = line - scale * step
        if abs(loss - trial) < 1e-12 or float(np.abs(gradient).max()) < 1e-9:
            break
        loss = trial
    return float(line[0]), float(line[1])


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


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Images judged by networks that never saw their source: what policy and calibration are fitted on.

    `p`: P(malignant) float64 (n,), raw; `y`: bool (n,), True malignant; `sources`: (n,) names; `distances`:
    float64 (n,) from what that network learned from, or None.
    """

    p: NDArray[np.float64]
    y: NDArray[np.bool_]
    sources: NDArray[np.str_]
    distances: NDArray[np.float64] | None = None

    def keep(self, chosen: NDArray[np.bool_]) -> "LeftOut":
        """Return the images where `chosen`, bool (n,), is true."""
        distances = None if self.distances is None else self.distances[chosen]
        return LeftOut(self.p[chosen], self.y[chosen], self.sources[chosen], distances)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Return weights (n,) by which each source counts alike."""
        _, places, counts = np.unique(self.sources, return_inverse=True, return_counts=True)
        weights: NDArray[np.float64] = 1.0 / counts[places]
        return weights


# Shares of the left-out images that a limit of the distance may send away, of which the best is taken.
_KEPT_SHARES = (1.0, 0.99, 0.98, 0.95, 0.9, 0.85, 0.8)
# Of each class, for a calibration of a source alone: fewer say more of chance than of the source.
_LEAST_OF_CLASS = 20


def fit_left_out(
    images: LeftOut, *, version: str, miss_rate: float = 0.05, false_rate: float = 0.10
) -> tuple[Calibration, DecisionPolicy]:
    """Fit calibration and policy on left-out sources, so that each of them keeps the promise by itself.

    Platt scaling, every source weighing alike; it tells that of each source alone, too, for the range of the figure
    abroad. `refer_low` is the lowest of the sources' own: in each at most
    `miss_rate` of the malignant is called benign. `refer_high` is the mean of theirs: on average `false_rate` of
    the benign is called malignant. Where distances are told, `distance_most` is the limit that leaves most
    images answered, every source counting alike. Sources of one class fit the calibration alone.
    Raises `ml.serving.calibration.CalibrationError` or PolicyError.
    """
    calibration = replace(fit_platt(images.p, images.y, images.weights), sources=fit_sources(images))
    p = calibration.apply(images.p)
    limits: list[float | None] = [None]
    if images.distances is not None:
        limits += [float(np.quantile(images.distances, share)) for share in _KEPT_SHARES[1:]]
    found = [_fit_band(images, p, limit, version=version, rates=(miss_rate, false_rate)) for limit in limits]
    answered = [measure_answered(images, p, policy) for policy in found]
    return calibration, found[int(np.argmax(answered))]


def fit_sources(images: LeftOut) -> tuple[SourceCalibration, ...]:
    """Fit Platt scaling to each source with at least 20 images of either class, by name.

    Where the network ranks a source the wrong way round, its figure tells nothing there: slope 0, and P is the
    source's prevalence whatever the image.
    """
    found = []
    for name in sorted(set(images.sources.tolist())):
        own = images.keep(images.sources == name)
        malignant = int(own.y.sum())
        if min(malignant, own.y.size - malignant) < _LEAST_OF_CLASS:
            continue
        prevalence = malignant / own.y.size
        slope, offset = _fit_line(own.p, own.y, None)
        if slope <= 0:
            slope, offset = 0.0, float(logit(np.array([prevalence]))[0])
        found.append(SourceCalibration(name, slope, offset, prevalence))
    return tuple(found)


def measure_answered(images: LeftOut, p: NDArray[np.float64], policy: DecisionPolicy) -> float:
    """Return the share answered by `policy` of calibrated `p` (n,), the mean over the sources."""
    far = np.zeros(p.size, dtype=bool) if images.distances is None else _find_far(images, policy)
    answered = ((p < policy.refer_low) | (p > policy.refer_high)) & ~far
    return float(np.average(answered, weights=images.weights))


def _find_far(images: LeftOut, policy: DecisionPolicy) -> NDArray[np.bool_]:
    if images.distances is None or policy.distance_most is None:
        return np.zeros(images.p.size, dtype=bool)
    return images.distances > policy.distance_most


def _fit_band(
    images: LeftOut, p: NDArray[np.float64], limit: float | None, *, version: str, rates: tuple[float, float]
) -> DecisionPolicy:
    near = np.ones(p.size, dtype=bool)
    if limit is not None and images.distances is not None:
        near = images.distances <= limit
    lows, highs = [], []
    for name in sorted(set(images.sources.tolist())):
        own = images.sources == name
        if len(set(images.y[own].tolist())) < 2:
            continue
        malignant, benign = (np.sort(p[own & near & (images.y == kind)]) for kind in (True, False))
        # Far ones are referred, so what is promised of all of a class may be spent on the near ones.
        shares = [
            rate * int((own & (images.y == kind)).sum())
            for rate, kind in zip(rates, (True, False), strict=True)
        ]
        lows.append(_lower_quantile(malignant, shares[0] / max(1, malignant.size), floor=0.0))
        highs.append(-_lower_quantile(-benign[::-1], shares[1] / max(1, benign.size), floor=-1.0))
    if not lows:
        raise PolicyError("Threshold policy: expected a source with both classes, received none.")
    low = min(lows)
    return DecisionPolicy(version, low, low, max(low, float(np.mean(highs))), limit)


def _cross_entropy(
    z: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    return float(np.sum(weights * (np.logaddexp(0.0, z) - target * z)))


def _lower_quantile(values: NDArray[np.float64], rate: float, *, floor: float) -> float:
    """Return q with P(new < q) <= rate for a new value exchangeable with the sorted `values`.

    `floor`, the least possible value, is returned when there are too few values to promise it.
    """
    rank = min(values.size, math.floor(rate * (values.size + 1) + 1e-9))
    return float(values[rank - 1]) if rank else floor
