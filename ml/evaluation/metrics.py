"""Metrics: AUC, calibration error, shares and predictive values, each with its 95 % interval."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.serving.policy import DecisionPolicy

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
    # Two sorted classes are laid beside each other: no ranks of all, for a bootstrap asks thousands of times.
    malignant, benign = np.sort(score[positive]), np.sort(score[~positive])
    wins = benign.searchsorted(malignant, "left").sum() + benign.searchsorted(malignant, "right").sum()
    return float(wins / 2 / (malignant.size * benign.size))


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


def measure_all(p: ArrayLike, y: ArrayLike, policy: DecisionPolicy, *, rounds: int = 2000) -> dict[str, Any]:
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


# --- Clustered bootstrap: where one lesion gave several images, whole lesions are drawn anew

Figure = Callable[[NDArray[np.float64], NDArray[np.bool_]], float]


def bootstrap_lesions(
    figures: Mapping[str, Figure],
    p: ArrayLike,
    y: ArrayLike,
    lesions: Sequence[str],
    *,
    rounds: int = 2000,
    seed: int = 0,
) -> dict[str, Interval]:
    """Return the 95 % percentile interval of each figure, lesions drawn anew within each class.

    `p` (n,) scores, `y` (n,) labels with 1 = malignant, `lesions` n names; the images of one lesion
    are drawn together (Davison and Hinkley 1997, "Bootstrap methods", section 3.8, strategy 1). The
    same rounds serve all figures. With one class the figures see that class alone. A lesion with both labels
    counts as one of each. Raises MetricsError when the lengths differ or nothing is there.
    """
    score = np.asarray(p, dtype=np.float64)
    positive = np.asarray(y).astype(bool)
    if not score.size or score.shape != positive.shape or len(lesions) != score.size:
        raise MetricsError(
            f"Expected one label and lesion a score, received {len(lesions)} for {score.size}."
        )
    classes = [_group(np.flatnonzero(part), lesions) for part in (positive, ~positive) if part.any()]
    generator = np.random.default_rng(seed)
    values: dict[str, list[float]] = {name: [] for name in figures}
    for _ in range(rounds):
        drawn = np.concatenate([_draw(groups, generator) for groups in classes])
        for name, figure in figures.items():
            values[name].append(figure(score[drawn], positive[drawn]))
    return {name: _find_interval(found) for name, found in values.items()}


def _find_interval(values: list[float]) -> Interval:
    low, high = np.quantile(values, (0.025, 0.975))
    return (float(low), float(high))


@dataclass(frozen=True, slots=True)
class _Groups:
    """One class's image indices sorted by lesion; each lesion's first place among them and its size."""

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]


def _group(indices: NDArray[np.int64], lesions: Sequence[str]) -> _Groups:
    _, inverse = np.unique([lesions[index] for index in indices], return_inverse=True)
    sizes = np.bincount(inverse)
    return _Groups(indices[np.argsort(inverse, kind="stable")], np.cumsum(sizes) - sizes, sizes)


def _draw(groups: _Groups, generator: np.random.Generator) -> NDArray[np.int64]:
    picked = generator.integers(0, groups.sizes.size, groups.sizes.size)
    if groups.sizes.size == groups.order.size:  # an image each: their places are the lesions'
        return groups.order[picked]
    sizes = groups.sizes[picked]
    before = np.cumsum(sizes) - sizes
    places = np.arange(sizes.sum()) + np.repeat(groups.starts[picked] - before, sizes)
    drawn: NDArray[np.int64] = groups.order[places]
    return drawn


# --- At the bedside: predictive values, specificity where few are missed, coverage

# Of the lesions seen: in a general practice, in a referral clinic, and in the paper's images.
PREVALENCES = (0.02, 0.066, 0.45)


def measure_specificity_at(p: NDArray[np.float64], y: NDArray[np.bool_], sensitivity: float = 0.95) -> float:
    """Return the highest specificity of any cut of `p` (n,) with at least `sensitivity`, in [0, 1].

    `y`: True = malignant. Raises MetricsError when a class is missing.
    """
    malignant, benign = p[y], p[~y]
    if not malignant.size or not benign.size:
        raise MetricsError("Expected images of both classes, received one class.")
    missed = math.floor((1 - sensitivity) * malignant.size + 1e-9)
    return float(np.mean(benign < np.partition(malignant, missed)[missed]))


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


# --- A table for a terminal

_ROWS = (
    ("accuracy", "Accuracy"),
    ("auc", "AUC"),
    ("sensitivity", "Sensitivity"),
    ("specificity", "Specificity"),
    ("coverage", "Coverage (not referred)"),
    ("malignant_called_benign", "Malignant called benign"),
    ("benign_called_malignant", "Benign called malignant"),
    ("decided_accuracy", "Accuracy of the decided"),
    ("ece", "Calibration error (ECE)"),
)


def format_figures(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table of `ml.evaluation.metrics.measure_all` results, one column a part of the data."""
    header = " " * 24 + "".join(f"{name:>26}" for name in parts)
    counts = f"{'Images':24}" + "".join(f"{part['images']:>26}" for part in parts.values())
    lines = [header, counts]
    for key, title in _ROWS:
        lines.append(f"{title:24}" + "".join(f"{_cell(part[key]):>26}" for part in parts.values()))
    return "\n".join(lines)


def _cell(box: Mapping[str, float] | None) -> str:
    if box is None:
        return "none"
    return f"{box['value']:.3f} ({box['low']:.3f} to {box['high']:.3f})"
