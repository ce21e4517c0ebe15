"""The section of the diagnoses: macro AUC, balanced accuracy and what is taken for what."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.diagnoses import DiagnosisFigures, find_truths, measure_diagnoses
from ml.evaluation.scoring import CLASS_PREFIX
from ml.research.report.sets import COMMAND, read_other
from ml.research.report.stored import Network, ReportPart, Results
from ml.research.report.text import Estimate, format_share, format_table, join_parts, name_command

AIM = 0.72
_SET = "ham10000-subset"
_LEFT_OUT = "left-out-sources"


def write_diagnoses(results: Results) -> str:
    """Write the section of the networks that name diagnoses; empty where none of them does."""
    held = [(each, figures) for each in results.networks if (figures := measure_network(each, results))]
    left_out = _write_left_out(results)
    if not held and not left_out:
        return ""
    return join_parts(
        "## Diagnoses",
        "What a network says the lesion could be. Its malignant diagnoses add up to the figure of malignancy, by the "
        "way they are made. *Balanced accuracy* is the mean over diagnoses of the share whose most probable diagnosis "
        f"is right (aim on HAM10000's other lesions: {format_share(AIM, 0)}); *macro AUC* the mean over diagnoses of "
        "one against the rest. Intervals: whole lesions drawn anew within each diagnosis.",
        *(_write_network(network, figures) for network, figures in held),
        name_command(COMMAND) if held else "",
        left_out,
    )


def measure_network(network: Network, results: Results) -> DiagnosisFigures | None:
    """Measure a network on HAM10000's other lesions; None where it names no diagnoses there."""
    part = read_other(network, _SET)
    if part is None or not part.rows or not part.rows[0].scored.diagnoses:
        return None
    classes = [name for name, _ in part.rows[0].scored.diagnoses]
    truths = find_truths([row.image.diagnosis for row in part.rows], classes)
    known = ReportPart(tuple(row for row, truth in zip(part.rows, truths, strict=True) if truth >= 0))
    p = np.array([[value for _, value in row.scored.diagnoses] for row in known.rows])
    return measure_diagnoses(p, truths[truths >= 0], classes, known.lesions, rounds=results.rounds)


def _write_network(network: Network, figures: DiagnosisFigures) -> str:
    return join_parts(
        f"### {network.name}, HAM10000's other lesions",
        format_table(["Images", "Balanced accuracy", "Macro AUC"], [_list_figures(figures)]),
        "What each lesion is, by the most probable diagnosis said:",
        _tabulate_confusion(figures),
    )


def _list_figures(figures: DiagnosisFigures) -> list[object]:
    accuracy, auc = figures.balanced_accuracy, figures.macro_auc
    return [
        figures.images,
        Estimate(accuracy[0], *accuracy[1]),
        Estimate(auc[0], *auc[1], share=False),
    ]


def _tabulate_confusion(figures: DiagnosisFigures) -> str:
    rows: list[list[object]] = [
        [name, int(counts.sum()), *counts.tolist(), format_share(recall)]
        for name, counts, recall in zip(figures.classes, figures.confusion, figures.recalls, strict=True)
        if counts.sum()
    ]
    return format_table(["is", "Images", *(f"said {name}" for name in figures.classes), "Found"], rows)


def _write_left_out(results: Results) -> str:
    """Write the table of the sources left out, from the recipes that stored each image's diagnosis and classes."""
    rows: list[list[object]] = []
    for path in sorted((results.folder / _LEFT_OUT).glob("*.csv")):
        for source, figures in _measure_left_out(path, results.rounds).items():
            shown = len(figures.classes) - len(figures.unshown)
            rows.append([path.stem, source, shown, *_list_figures(figures)])
    if not rows:
        return ""
    header = ["Recipe", "Source left out", "Diagnoses shown", "Images", "Balanced accuracy", "Macro AUC"]
    return join_parts(
        "### Diagnoses of a source left out",
        "Of the images whose diagnosis is known, by the network's own class probabilities.",
        format_table(header, rows),
        name_command("python -m ml sources --name RECIPE --with-rows"),
    )


def _measure_left_out(path: Path, rounds: int) -> dict[str, DiagnosisFigures]:
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        names = reader.fieldnames or []
        classes = [name.removeprefix(CLASS_PREFIX) for name in names if name.startswith(CLASS_PREFIX)]
        if not classes or "diagnosis" not in names:
            return {}
        by_source: dict[str, list[Mapping[str, str]]] = {}
        for row in reader:
            source = "none, by lesion" if row["hold_out"].startswith("fold-") else row["hold_out"]
            by_source.setdefault(source, []).append(row)
    found = {source: _measure_rows(rows, classes, rounds) for source, rows in by_source.items()}
    return {source: figures for source, figures in found.items() if figures}


def _measure_rows(
    rows: Sequence[Mapping[str, str]], classes: Sequence[str], rounds: int
) -> DiagnosisFigures | None:
    truths = find_truths([row["diagnosis"] for row in rows], classes)
    known = [row for row, truth in zip(rows, truths, strict=True) if truth >= 0]
    if np.unique(truths[truths >= 0]).size < 2:
        return None
    p: NDArray[np.float64] = np.array(
        [[float(row[CLASS_PREFIX + name]) for name in classes] for row in known]
    )
    lesions = [row.get("lesion") or row["path"] for row in known]
    return measure_diagnoses(p, truths[truths >= 0], classes, lesions, rounds=rounds)
