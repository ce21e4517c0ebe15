"""Runs that differ only in their seed, taken together: means and intervals over seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.datasets.records import LABELS

FIGURES = (
    "running_accuracy",
    "train_accuracy",
    "test_accuracy",
    "test_auc",
    "clean_accuracy",
    "clean_auc",
)


@dataclass(frozen=True, slots=True)
class SeedEstimate:
    """A mean over `count` seeds; `low` and `high` are its 95 % interval, None for one seed."""

    mean: float
    low: float | None
    high: float | None
    count: int

    def holds(self, value: float) -> bool:
        """Return whether the interval holds `value`; never without an interval."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class RunGroup:
    """All finished runs of one network at one number of iterations, by seed."""

    architecture: str
    iterations: int
    runs: list[dict[str, Any]]

    @property
    def seeds(self) -> list[int]:
        """Return the seeds of the runs."""
        return [run["seed"] for run in self.runs]

    def estimate(self, figure: str) -> SeedEstimate:
        """Return the mean and interval of one of `FIGURES` after the last epoch."""
        return estimate_mean([run["final"][figure] for run in self.runs])

    def leave_out_constant(self) -> "RunGroup":
        """Return the group without the runs that give every test image the same class."""
        runs = [run for run in self.runs if not is_constant(run)]
        return RunGroup(self.architecture, self.iterations, runs)

    def list_epochs(self, figure: str) -> list[list[float]]:
        """Return `figure` of the histories: one list a run, one value an epoch."""
        return [[row[figure] for row in run["history"]] for run in self.runs]


def is_constant(run: dict[str, Any]) -> bool:
    """Return whether the finished network calls all test images benign, or all malignant."""
    rows = run["final"]["confusion"].values()
    return any(sum(row[called] for row in rows) == 0 for called in LABELS)


def group_runs(runs: Sequence[dict[str, Any]]) -> list[RunGroup]:
    """Return the groups of `runs`, as `ml.research.reproduction.tables` stores them, in a fixed order."""
    keys = sorted({(run["architecture"], run["iterations"]) for run in runs})
    return [
        RunGroup(
            name,
            count,
            sorted(
                (run for run in runs if (run["architecture"], run["iterations"]) == (name, count)),
                key=lambda run: run["seed"],
            ),
        )
        for name, count in keys
    ]


def estimate_mean(values: Sequence[float]) -> SeedEstimate:
    """Return the mean of `values` and Student's 95 % t interval of it (n - 1 degrees of freedom).

    One value has no interval. The values are taken as drawn from a normal distribution; nothing
    is cut off at 0 or 1. Raises ValueError when there is none.
    """
    if not values:
        raise ValueError("Expected at least one value to take the mean of, received none.")
    mean = float(np.mean(values))
    if len(values) == 1:
        return SeedEstimate(mean, None, None, 1)
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return SeedEstimate(mean, mean - half, mean + half, len(values))


def estimate_difference(first: RunGroup, second: RunGroup, figure: str) -> SeedEstimate | None:
    """Return the mean of `first` minus `second` over the seeds both have, None without any.

    Runs of one seed see the same images in the same order, so they are paired.
    """
    values = {run["seed"]: run["final"][figure] for run in second.runs}
    pairs = [run["final"][figure] - values[run["seed"]] for run in first.runs if run["seed"] in values]
    return estimate_mean(pairs) if pairs else None
