"""Sections of how the network came to be: cross-validation, extra data, the paper, gates."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from ml.data import LABELS
from ml.metrics import measure_auc, measure_wilson
from ml.metrics_lesions import bootstrap_lesions
from ml.report.stored import Results
from ml.report.text import Estimate, format_table, join_parts, name_command, name_missing
from ml.reproduction.section import describe_reproduction

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


def write_gates(results: Results) -> str:
    """Write what the quality and domain gates refuse, as it was stored."""
    stored = results.read_json("gates.json")
    if not stored:
        return join_parts("## Gates", name_missing("this section", "python -m ml gates"))
    rows = [
        [row["name"], row["kind"], row["images"], Estimate(**row["rate"]), _list_codes(row["by_code"])]
        for row in stored["sets"]
    ]
    areas = [
        [
            row["gate"],
            row["against"],
            row["images"],
            Estimate(row["value"], row["low"], row["high"], share=False),
        ]
        for row in stored["auroc"]
    ]
    return join_parts(
        "## Gates",
        "Which images the quality and domain gates refuse. Of dermoscopic images every refusal is a false one.",
        format_table(["Images of", "Kind", "Images", "Refused", "Why"], rows),
        "How well the gates' measures tell good images from the others (AUROC):",
        format_table(["Gate", "Against", "Images", "AUROC"], areas),
        " ".join(stored.get("notes", [])),
        _compare_sharpness(stored["sets"]),
        name_command("python -m ml gates"),
    )


def _compare_sharpness(rows: list[dict[str, Any]]) -> str:
    """Say what each measure of blur finds in blurred images that were saved as JPEG."""
    told = [
        f"{row['name']}: {limits.get('sharpness_least', 0)} by sharpness alone, {row['by_code'].get('blurred', 0)} "
        f"by either of {row['images']}"
        for row in rows
        if (limits := row.get("by_limit")) is not None and row["name"].startswith("JPEG")
    ]
    return f"Called blurred, sharpness being taken as it is and softened: {'; '.join(told)}." if told else ""


def _list_codes(codes: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in codes.items()) or "–"
