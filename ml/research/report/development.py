"""Sections of how the network came to be: cross-validation and the paper."""

import csv
from pathlib import Path

import numpy as np

from ml.datasets.records import LABELS
from ml.evaluation.metrics import bootstrap_lesions, measure_auc, measure_wilson
from ml.research.report.stored import Results
from ml.research.report.text import Estimate, format_table, join_parts, name_command, name_missing
from ml.research.reproduction.section import describe_reproduction

_PAPER_SET = "fanconi-isic"


def write_cross_validation(results: Results) -> str:
    """Write the section of lesion-grouped cross-validation inside train."""
    command = "python -m ml crossvalidate"
    rows = [
        _measure_recipe(path, results.rounds)
        for path in sorted((results.folder / "cross-validation").glob("*.csv"))
    ]
    if not rows:
        return join_parts("## Lesion-grouped cross-validation", name_missing("this table", command))
    return join_parts(
        "## Lesion-grouped cross-validation",
        "Inside the train split; all images of a lesion lie in one fold. Out-of-fold predictions, before "
        "calibration. Every choice was made on these.",
        format_table(["Recipe", "Images", "Folds", "AUC", "AUC by fold", "Accuracy, P ≥ 0.5"], rows),
        name_command(command),
    )


def _measure_recipe(path: Path, rounds: int) -> list[object]:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row.get("data_set", _PAPER_SET) == _PAPER_SET]
    p = np.array([float(row["probability"]) for row in rows])
    y = np.array([row["label"] in ("1", LABELS[1]) for row in rows])
    folds = np.array([row["fold"] for row in rows])
    lesions = [row["group"] for row in rows]
    bounds = bootstrap_lesions({"auc": measure_auc}, p, y, lesions, rounds=rounds)
    names = sorted(set(folds.tolist()))
    each = [f"{measure_auc(p[folds == name], y[folds == name]):.3f}" for name in names]
    right = (p >= 0.5) == y
    accuracy = Estimate(float(right.mean()), *measure_wilson(int(right.sum()), right.size))
    auc = Estimate(measure_auc(p, y), *bounds["auc"], share=False)
    return [path.stem, p.size, len(names), auc, ", ".join(each), accuracy]


def write_reproduction(results: Results) -> str:
    """Write the section of the paper's tables and figures beside ours."""
    return describe_reproduction(results.folder / "reproduction").strip()
