"""The report as a whole, and the block of figures that docs/networks.md quotes."""

from ml.research.report import (
    ablation,
    baselines,
    clinic,
    curves,
    development,
    diagnoses,
    extra_data,
    gates,
    sets,
    travel,
)
from ml.research.report.measures import TITLES, measure_part
from ml.research.report.stored import Results
from ml.research.report.targets import write_targets
from ml.research.report.text import format_table, join_parts, name_missing

BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"
_SECTIONS = (
    sets.write_unseen,
    sets.write_within,
    sets.write_clean,
    sets.write_all,
    development.write_cross_validation,
    travel.write_travel,
    sets.write_external,
    diagnoses.write_diagnoses,
    clinic.write_predictive_values,
    clinic.write_subgroups,
    clinic.write_consistency,
    curves.write_coverage,
    curves.write_calibration,
    curves.write_roc,
    curves.write_confusion,
    curves.write_training,
    ablation.write_ablation,
    extra_data.write_extra_data,
    gates.write_gates,
    development.write_reproduction,
    baselines.write_baselines,
    write_targets,
)
_QUOTED = ("auc", "accuracy_half", "accuracy", "sensitivity", "specificity", "specificity_95")
_QUOTED_TOO = ("answered", "answered_accuracy", "missed", "alarmed", "ece")


def write_report(results: Results) -> str:
    """Return the report as Markdown, and leave its plots in `results.plots`.

    Raises `ml.evaluation.stored_predictions.ResultsError` when a stored file is not the one indexed.
    """
    return join_parts(_write_introduction(results), *(write(results) for write in _SECTIONS)) + "\n"


def write_figures(results: Results) -> str:
    """Return the table in docs/networks.md of the default network, between its markers."""
    if not results.networks:
        return join_parts(BEGIN, name_missing("this table", sets.COMMAND), END)
    network = results.networks[0]
    parts = {
        "530 test images of unseen lesions": sets.read_unseen(network),
        "602 clean": sets.read_clean(network),
        "within one source": sets.read_within_source(network),
        "all 660": network.read_part(sets.TEST),
        "HAM10000, other lesions": sets.read_seen(network, "ham10000-subset"),
        "ISIC 2017": sets.read_seen(network, "isic2017-segmentation"),
    }
    held = {name: part for name, part in parts.items() if part and part.y.any() and not part.y.all()}
    figures = {name: measure_part(part, network.policy, rounds=results.rounds) for name, part in held.items()}
    rows: list[list[object]] = [["Images", *(len(part.rows) for part in held.values())]]
    rows += [[TITLES[key], *(each[key] for each in figures.values())] for key in (*_QUOTED, *_QUOTED_TOO)]
    version = network.record["version"]
    words = (
        f"`{network.name}` {version}, 95 % intervals; everything else is in [ml/REPORT.md](../ml/REPORT.md):"
    )
    return join_parts(BEGIN, words, format_table(["", *held], rows), END)


def extract_figures(page: str) -> str | None:
    """Return the page's block of figures with its markers, None when it has none."""
    start, end = page.find(BEGIN), page.find(END)
    return page[start : end + len(END)] if 0 <= start < end else None


def replace_figures(page: str, block: str) -> str:
    """Return the page with its block of figures replaced; raises ValueError without markers."""
    old = extract_figures(page)
    if old is None:
        raise ValueError(f"Expected {BEGIN} and {END} in the page, received neither.")
    return page.replace(old, block)


def _write_introduction(results: Results) -> str:
    rows = []
    for network in results.networks:
        record = network.record
        data = ", ".join(network.training_sets) or "not told"
        cut = f"{network.policy.threshold:.3f}; refer {network.policy.refer_low:.3f}–{network.policy.refer_high:.3f}"
        rows.append([network.name, record["version"], f"{record['parameters']:,}", data, cut])
    absent = (
        f"No predictions are stored for {', '.join(results.missing)}: run `{sets.COMMAND}`."
        if results.missing
        else ""
    )
    table = format_table(
        ["Network", "Version", "Parameters", "Trained on", "Threshold of calibrated P(malignant)"], rows
    )
    return join_parts(
        "# What the networks can and can't do",
        "Written by `python -m ml report` from the predictions in `ml/results`. Whether the aims were reached: "
        "[Targets](#targets).",
        table if rows else "",
        absent,
        extra_data.name_twin(results),
        "Values in brackets are 95 % intervals: Wilson's for shares; for the other figures 2,000 bootstrap rounds, "
        "whole lesions drawn anew within each class. *Threshold* is the network's own, put where 95 % of the "
        "malignant are found on held-out images; *P ≥ 0.5* is the cut that published accuracies use. Accuracy, "
        "sensitivity and specificity count every image; *refer* is counted apart. These images come from "
        "archives, not from a clinic's door, and no figure here is a clinical trial's.",
    )
