"""The section of what was tried: one row a recipe that was cross-validated."""

import json
from typing import Any

from ml.research.report.stored import Results
from ml.research.report.text import format_share, format_table, join_parts, name_command, name_missing

_COMMAND = "python -m ml crossvalidate --name RECIPE"
_HEADER = (
    "Recipe",
    "What it is",
    "Trained on",
    "Epochs",
    "Views",
    "Folds held out",
    "Accuracy",
    "AUC",
    "Log loss",
    "Fold 0: accuracy",
    "Fold 0: AUC",
    "Fold 0: log loss",
    "Minutes a fold",
    "On",
)


def write_ablation(results: Results) -> str:
    """Write the table of every recipe that `python -m ml crossvalidate` stored."""
    heading = "## What was tried"
    paths = sorted((results.folder / "cross-validation").glob("*.json"))
    if not paths:
        return join_parts(heading, name_missing("this table", _COMMAND))
    rows = [_describe(json.loads(path.read_text(encoding="utf-8"))) for path in paths]
    return join_parts(
        heading,
        "Recipes judged on held-out lesions of the paper's train split, at P ≥ 0.5 before calibration; no test "
        "image took part. Fold 0 holds the same paper's images in every recipe of as many folds, so its "
        "figures compare where not all folds were run. Minutes are of one fold; on a GPU up to fifteen folds "
        "shared the card.",
        format_table(_HEADER, sorted(rows, key=lambda row: str(row[0]))),
        name_command(_COMMAND),
    )


def _describe(stored: dict[str, Any]) -> list[object]:
    first = next((fold for fold in stored["by_fold"] if fold["fold"] == 0), None)
    held_out = f"{len(stored['held_out'])} of {stored['folds']}"
    return [
        stored["recipe"],
        stored["description"] or "–",
        _name_data(stored["data_sets"], stored.get("left_out", [])),
        stored["plan"]["epochs"],
        len(stored["views"]),
        held_out,
        *_show(stored["figures"]),
        *_show(first),
        f"{stored['seconds'] / 60 / len(stored['held_out']):.0f}",
        f"{stored['device']}, {stored['backend']}" if "device" in stored else "–",
    ]


def _name_data(data_sets: list[str], left_out: list[str]) -> str:
    return ", ".join(data_sets) + (f" without {', '.join(left_out)}" if left_out else "")


def _show(figures: dict[str, float] | None) -> list[str]:
    if figures is None:
        return ["–"] * 3
    return [format_share(figures["accuracy"]), f"{figures['auc']:.3f}", f"{figures['log_loss']:.3f}"]
