"""Diagnosis metrics: macro AUC, balanced accuracy and the confusion matrix of a network that names diagnoses.

Each class counts alike, however rare it is among the images (Brodersen et al. 2010, "The balanced accuracy and its
posterior distribution"; Hand and Till 2001 for AUC over several classes, here one against the rest).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.evaluation.metrics import Interval, MetricsError, measure_auc

# A set's diagnosis that a network has no class of its own for, and the class that holds it.
HELD_BY = {"scc": "akiec", "ak": "akiec", "sk": "bkl"}


@dataclass(frozen=True, slots=True)
class DiagnosisFigures:
    """Figures of n images, each {value, low, high} with its 95 % interval, lesions drawn anew within each class.

    `macro_auc`: the mean over classes of one against the rest; `balanced_accuracy`: the mean over classes of the
    share found; `confusion`: counts (classes, classes), what is by what the most probable diagnosis says; `recalls`:
    the share found of each class, nan where no image shows it; `unshown`: names of these, left out of the means.
    """

    images: int
    classes: tuple[str, ...]
    macro_auc: tuple[float, Interval]
    balanced_accuracy: tuple[float, Interval]
    recalls: tuple[float, ...]
    confusion: NDArray[np.int64]
    unshown: tuple[str, ...]


def find_truths(diagnoses: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return the place in `classes` of each image's diagnosis, int64 (n,), -1 where it has none of them.

    A diagnosis without a class of its own counts as the one that holds it (`HELD_BY`).
    """
    places = {name: place for place, name in enumerate(classes)}
    found = [places.get(name, places.get(HELD_BY.get(name, ""), -1)) for name in diagnoses]
    return np.array(found, dtype=np.int64)


def measure_diagnoses(
    p: ArrayLike,
    truths: ArrayLike,
    classes: Sequence[str],
    lesions: Sequence[str],
    *,
    rounds: int = 2000,
    seed: int = 0,
) -> DiagnosisFigures:
    """Measure probabilities `p` (n, classes) against `truths` (n,), places in `classes`.

    `lesions`: n names; the images of one lesion are drawn together. A lesion with two diagnoses counts as one of
    each. Raises MetricsError where shapes don't belong together, or fewer than two classes are shown.
    """
    scores = np.asarray(p, dtype=np.float64)
    truth = np.asarray(truths, dtype=np.int64)
    if scores.shape != (truth.size, len(classes)) or len(lesions) != truth.size:
        raise MetricsError(
            f"Expected a row of {len(classes)} probabilities and a lesion for each of {truth.size} diagnoses, "
            f"received {scores.shape} and {len(lesions)}."
        )
    if truth.size and not 0 <= truth.min() <= truth.max() < len(classes):
        raise MetricsError(f"Expected diagnoses among {', '.join(classes)}, received others.")
    shown = np.unique(truth)
    if shown.size < 2:
        raise MetricsError("Expected images of two diagnoses or more, received fewer.")
    said = scores.argmax(axis=1)
    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, (truth, said), 1)
    groups = [_group_lesions(np.flatnonzero(truth == place), lesions) for place in shown]
    generator = np.random.default_rng(seed)
    drawn = np.empty((rounds, 2))
    for number in range(rounds):
        taken = np.concatenate([_draw(group, generator) for group in groups])
        drawn[number] = _measure(scores[taken], truth[taken], said[taken], shown)
    auc, accuracy = _measure(scores, truth, said, shown)
    bounds = np.quantile(drawn, (0.025, 0.975), axis=0) if rounds else np.full((2, 2), np.nan)
    totals = confusion.sum(axis=1)
    return DiagnosisFigures(
        images=truth.size,
        classes=tuple(classes),
        macro_auc=(auc, (float(bounds[0, 0]), float(bounds[1, 0]))),
        balanced_accuracy=(accuracy, (float(bounds[0, 1]), float(bounds[1, 1]))),
        recalls=tuple(
            float(confusion[place, place] / total) if total else float("nan")
            for place, total in enumerate(totals)
        ),
        confusion=confusion,
        unshown=tuple(name for place, name in enumerate(classes) if place not in shown),
    )


def _measure(
    scores: NDArray[np.float64], truth: NDArray[np.int64], said: NDArray[np.int64], shown: NDArray[np.int64]
) -> tuple[float, float]:
    aucs = [measure_auc(scores[:, place], truth == place) for place in shown]
    recalls = [float((said[truth == place] == place).mean()) for place in shown]
    return float(np.mean(aucs)), float(np.mean(recalls))


def _group_lesions(indices: NDArray[np.int64], lesions: Sequence[str]) -> list[NDArray[np.int64]]:
    found: dict[str, list[int]] = {}
    for index in indices.tolist():
        found.setdefault(lesions[index], []).append(index)
    return [np.array(group, dtype=np.int64) for group in found.values()]


def _draw(groups: list[NDArray[np.int64]], generator: np.random.Generator) -> NDArray[np.int64]:
    return np.concatenate([groups[place] for place in generator.integers(0, len(groups), len(groups))])
