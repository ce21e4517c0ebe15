"""Intervals where one lesion gave several images: whole lesions are drawn anew."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.metrics import Interval, MetricsError

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


def _group(indices: NDArray[np.int64], lesions: Sequence[str]) -> list[NDArray[np.int64]]:
    _, inverse = np.unique([lesions[index] for index in indices], return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    return np.split(indices[order], np.cumsum(np.bincount(inverse))[:-1])


def _draw(groups: list[NDArray[np.int64]], generator: np.random.Generator) -> NDArray[np.int64]:
    picked = generator.integers(0, len(groups), len(groups))
    return np.concatenate([groups[index] for index in picked])
