"""`runs.json` and `predictions.csv`: the stored results of the reproduction, whole or in part."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets.records import LABELS, ImageRecord, read_labels
from ml.evaluation.metrics import measure_auc
from ml.research.reproduction.results import RunResult
from ml.research.reproduction.runs import ReproductionRun

RUNS = "runs.json"
PREDICTIONS = "predictions.csv"
_FIXED_COLUMNS = ("path", "sha256", "label", "clean")


@dataclass(frozen=True, slots=True)
class StoredResults:
    """What the two files hold.

    `data` describes the images; each of `runs` has the fields of ReproductionRun, `name`,
    `parameters`, `history`, `final` (`measure_final`), `seconds` and `made_with`; `unfinished`
    names the runs still to do; `predictions` has one row a test image, as text.
    """

    data: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    predictions: list[dict[str, str]] = field(default_factory=list)


def measure_final(result: RunResult, records: Sequence[ImageRecord]) -> dict[str, Any]:
    """Return the figures after the last epoch, accuracy at 0.5, as JSON.

    `test_…` is of all `records`, `clean_…` of those whose lesion is not in train. `confusion`
    counts test images by label, then by what was said.
    """
    p = np.array(result.probabilities, dtype=np.float64)
    y = read_labels(records)
    clean = np.array([record.clean for record in records])
    said = p > 0.5
    last = result.history[-1]
    return {
        "running_accuracy": round(last["running_accuracy"], 6),
        "train_accuracy": round(last["train_accuracy"], 6),
        **_measure_part("test", p, y),
        **_measure_part("clean", p[clean], y[clean]),
        "confusion": {
            label: {
                called: int(np.sum((y == index) & (said == bool(choice))))
                for choice, called in enumerate(LABELS)
            }
            for index, label in enumerate(LABELS)
        },
    }


def write_tables(
    folder: Path,
    data: dict[str, Any],
    results: Sequence[RunResult],
    unfinished: Sequence[ReproductionRun],
    records: Sequence[ImageRecord],
) -> None:
    """Write both files for the `results` there are; `records` are the test images. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "data": data,
        "runs": [_describe_run(result, records) for result in results],
        "unfinished": [run.name for run in unfinished],
    }
    _replace(folder / RUNS, json.dumps(values, indent=1, ensure_ascii=False) + "\n")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_FIXED_COLUMNS, *(result.run.name for result in results)])
    for index, record in enumerate(records):
        row = [record.path, record.sha256, LABELS[record.label], int(record.clean)]
        writer.writerow([*row, *(f"{result.probabilities[index]:.9g}" for result in results)])
    _replace(folder / PREDICTIONS, text.getvalue())


def read_tables(folder: Path) -> StoredResults:
    """Return what `write_tables` stored in `folder`, empty when nothing was. Raises OSError."""
    if not (folder / RUNS).exists():
        return StoredResults()
    values = json.loads((folder / RUNS).read_text(encoding="utf-8"))
    with (folder / PREDICTIONS).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return StoredResults(values["data"], values["runs"], values["unfinished"], rows)


def choose_samples(rows: Sequence[dict[str, str]], each: int = 8) -> list[dict[str, str]]:
    """Return the first `each` rows of every label by SHA-256 of the file, sorted by path.

    The rule knows nothing of what a network says of them.
    """
    ordered = sorted(rows, key=lambda row: row["sha256"])
    chosen = [row for label in LABELS for row in [r for r in ordered if r["label"] == label][:each]]
    return sorted(chosen, key=lambda row: row["path"])


def _measure_part(name: str, p: NDArray[np.float64], y: NDArray[np.int64]) -> dict[str, float]:
    return {
        f"{name}_images": int(y.size),
        f"{name}_accuracy": round(float(np.mean((p > 0.5) == (y == 1))), 6),
        f"{name}_auc": round(measure_auc(p, y), 6),
    }


def _describe_run(result: RunResult, records: Sequence[ImageRecord]) -> dict[str, Any]:
    history = [{key: round(value, 6) for key, value in row.items()} for row in result.history]
    return {
        "name": result.run.name,
        **result.run.to_dict(),
        "parameters": result.parameters,
        "final": measure_final(result, records),
        "history": history,
        "seconds": round(result.seconds, 1),
        "made_with": result.made_with,
    }


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".partial")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
