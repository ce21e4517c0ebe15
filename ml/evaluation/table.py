"""Figures as a table for a terminal."""

from collections.abc import Mapping
from typing import Any

_ROWS = (
    ("accuracy", "Accuracy"),
    ("auc", "AUC"),
    ("sensitivity", "Sensitivity"),
    ("specificity", "Specificity"),
    ("coverage", "Coverage (not referred)"),
    ("malignant_called_benign", "Malignant called benign"),
    ("benign_called_malignant", "Benign called malignant"),
    ("decided_accuracy", "Accuracy of the decided"),
    ("ece", "Calibration error (ECE)"),
)


def format_figures(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table of `ml.evaluation.metrics.measure_all` results, one column a part of the data."""
    header = " " * 24 + "".join(f"{name:>26}" for name in parts)
    counts = f"{'Images':24}" + "".join(f"{part['images']:>26}" for part in parts.values())
    lines = [header, counts]
    for key, title in _ROWS:
        lines.append(f"{title:24}" + "".join(f"{_cell(part[key]):>26}" for part in parts.values()))
    return "\n".join(lines)


def _cell(box: Mapping[str, float] | None) -> str:
    if box is None:
        return "none"
    return f"{box['value']:.3f} ({box['low']:.3f} to {box['high']:.3f})"
