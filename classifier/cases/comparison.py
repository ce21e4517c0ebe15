"""Comparison with a table: the portal's results against those of the same files judged without it."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.models import Prediction

if TYPE_CHECKING:
    from pathlib import Path

LABELS = {"benign": False, "malignant": True}


@dataclass(frozen=True)
class Expected:
    """One row of the table; `label` is empty where the truth isn't known."""

    label: str
    probability: float
    calibrated_probability: float
    outcome: str


@dataclass(frozen=True)
class Result:
    """What the portal says of the same file, and the edges it was decided by."""

    probability: float
    calibrated_probability: float
    outcome: str
    policy: dict[str, float]


@dataclass(frozen=True)
class Difference:
    sha256: str
    what: str


@dataclass
class Comparison:
    """`portal` and `table`: how many labelled images each has right, of how many."""

    answered: int = 0
    portal: tuple[int, int] = (0, 0)
    table: tuple[int, int] = (0, 0)
    differences: list[Difference] = field(default_factory=list)


def read_table(path: Path) -> dict[str, Expected]:
    """Read predictions by SHA-256. Raises OSError, KeyError or ValueError for another table."""
    with path.open(newline="", encoding="utf-8") as stream:
        return {
            row["sha256"]: Expected(
                label=row["label"],
                probability=float(row["probability"]),
                calibrated_probability=float(row["calibrated_probability"]),
                outcome=row["outcome"],
            )
            for row in csv.DictReader(stream)
            if row["probability"]
        }


def compare_with_table(expected: dict[str, Expected], *, clinic: str, tolerance: float) -> Comparison:
    """Compare the newest served result of each image named in `expected`.

    An outcome may differ where the calibrated probability is within `tolerance` of an edge of the
    refer band. Right or wrong is decided by the policy's two-way threshold.
    """
    found = _read_results(expected, clinic)
    comparison = Comparison(answered=len(found))
    for sha256, row in expected.items():
        mine = found.get(sha256)
        what = "no result in the portal" if mine is None else _describe(mine, row, tolerance)
        if what:
            comparison.differences.append(Difference(sha256, what))
        if mine is None or row.label not in LABELS:
            continue
        threshold = mine.policy["threshold"]
        truth = LABELS[row.label]
        comparison.portal = _count(comparison.portal, (mine.calibrated_probability >= threshold) == truth)
        comparison.table = _count(comparison.table, (row.calibrated_probability >= threshold) == truth)
    return comparison


def _read_results(expected: dict[str, Expected], clinic: str) -> dict[str, Result]:
    rows = Prediction.objects.served().judged().order_by("finished_at")
    if clinic:
        rows = rows.filter(image__clinic__name__iexact=clinic)
    columns = ("image__sha256", "probability", "calibrated_probability", "outcome", "threshold_policy")
    # The newest comes last and stays.
    return {sha256: Result(*values) for sha256, *values in rows.values_list(*columns) if sha256 in expected}


def _describe(mine: Result, row: Expected, tolerance: float) -> str:
    """What differs, in words; empty when nothing does."""
    if abs(mine.probability - row.probability) > tolerance:
        return f"probability {mine.probability:.8f}, expected {row.probability:.8f}"
    if abs(mine.calibrated_probability - row.calibrated_probability) > tolerance:
        return (
            f"calibrated probability {mine.calibrated_probability:.8f}, "
            f"expected {row.calibrated_probability:.8f}"
        )
    if mine.outcome == row.outcome or _is_on_edge(mine, tolerance):
        return ""
    return f"outcome {mine.outcome}, expected {row.outcome}"


def _is_on_edge(mine: Result, tolerance: float) -> bool:
    edges = (mine.policy["refer_low"], mine.policy["refer_high"])
    return any(abs(mine.calibrated_probability - edge) <= tolerance for edge in edges)


def _count(counted: tuple[int, int], is_right: bool) -> tuple[int, int]:  # noqa: FBT001
    right, labelled = counted
    return right + is_right, labelled + 1
