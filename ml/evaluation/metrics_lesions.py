"""Intervals where one lesion gave several images: whole lesions are drawn anew."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.evaluation.metrics import Interval, MetricsError

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
    sizes = groups.sizes[picked]
    before = np.cumsum(sizes) - sizes
    places = np.arange(sizes.sum()) + np.repeat(groups.starts[picked] - before, sizes)
    drawn: NDArray[np.int64] = groups.order[places]
    return drawn
