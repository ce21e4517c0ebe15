"""The figures of one part of the images, each with its interval."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.metrics import (
    bootstrap_lesions,
    measure_auc,
    measure_ece,
    measure_specificity_at,
    measure_wilson,
)
from ml.research.report.stored import ReportPart
from ml.research.report.text import Estimate
from ml.serving.policy import DecisionPolicy

# Above this many images a lesion, a share's interval is drawn by lesion too, not Wilson's.
_REPEATED = 1.1

TITLES = {
    "auc": "AUC",
    "accuracy_half": "Accuracy, P ≥ 0.5",
    "accuracy": "Accuracy at the threshold",
    "sensitivity": "Sensitivity at the threshold",
    "specificity": "Specificity at the threshold",
    "specificity_95": "Specificity at 95 % sensitivity",
    "answered": "Answered (not referred)",
    "answered_accuracy": "Accuracy where answered",
    "missed": "Malignant called benign",
    "alarmed": "Benign called malignant",
    "ece": "Calibration error (ECE)",
    "brier": "Brier score",
}
_CURVES: dict[str, Callable[[NDArray[np.float64], NDArray[np.bool_]], float]] = {
    "auc": measure_auc,
    "specificity_95": measure_specificity_at,
    "ece": measure_ece,
    "brier": lambda p, y: float(np.mean((p - y) ** 2)),
}


def measure_part(part: ReportPart, policy: DecisionPolicy, *, rounds: int = 2000) -> dict[str, Estimate]:
    """Return the figures named in TITLES that the part allows, each with its 95 % interval.

    One class alone allows only the shares of that class. Shares have Wilson's interval, or one
    from lesions drawn anew where lesions repeat; the others are drawn by lesion within each class.
    """
    return dict(_measure_once(part, policy, rounds))


@cache
def _measure_once(part: ReportPart, policy: DecisionPolicy, rounds: int) -> dict[str, Estimate]:
    p, y = part.p, part.y
    if not p.size:
        return {}
    figures: dict[str, Estimate] = {}
    both = bool(y.any() and not y.all())
    if both:
        bounds = bootstrap_lesions(_CURVES, p, y, part.lesions, rounds=rounds)
        for name, figure in _CURVES.items():
            figures[name] = Estimate(figure(p, y), *bounds[name], share=name == "specificity_95")
    figures |= _measure_shares(part, policy, both=both, rounds=rounds)
    return {name: figures[name] for name in TITLES if name in figures}


def _measure_shares(
    part: ReportPart, policy: DecisionPolicy, *, both: bool, rounds: int
) -> dict[str, Estimate]:
    p, y = part.p, part.y
    benign, malignant = p < policy.refer_low, p > policy.refer_high
    answered = benign | malignant
    right = np.where(y, malignant, benign)
    called = p >= policy.threshold
    wanted: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {"answered": (answered, np.ones_like(y))}
    if both:
        wanted["accuracy_half"] = ((p >= 0.5) == y, np.ones_like(y))
        wanted["accuracy"] = (called == y, np.ones_like(y))
        wanted["answered_accuracy"] = (right, answered)
    wanted |= {"sensitivity": (called, y), "missed": (benign, y)}
    wanted |= {"specificity": (~called, ~y), "alarmed": (malignant, ~y)}
    return {
        name: measure_share(hits[among], [part.lesions[i] for i in np.flatnonzero(among)], rounds=rounds)
        for name, (hits, among) in wanted.items()
        if among.any()
    }


def measure_share(hits: NDArray[np.bool_], lesions: Sequence[str], *, rounds: int = 2000) -> Estimate:
    """Return the share of `hits` (n,), n at least 1, with Wilson's interval or, where lesions repeat, by lesion."""
    value = float(hits.mean())
    count = len(set(lesions))
    if hits.size > _REPEATED * count:
        if hits.all() or not hits.any():  # every draw is alike: as sure as that many lesions allow
            return Estimate(value, *measure_wilson(count if hits.all() else 0, count))
        bounds = bootstrap_lesions(
            {"share": lambda p, _: float(p.mean())}, hits, np.ones_like(hits), lesions, rounds=rounds
        )
        return Estimate(value, *bounds["share"])
    return Estimate(value, *measure_wilson(int(hits.sum()), hits.size))
