"""Sections with plots: coverage against error, calibration, ROC, confusion, training."""

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.metrics import measure_auc, trace_coverage
from ml.research.report.drawing import draw, style_line
from ml.research.report.sets import COMMAND, read_clean, read_seen
from ml.research.report.stored import Network, ReportPart, Results
from ml.research.report.text import format_picture, format_table, join_parts, name_command, name_missing

_COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_OUTCOMES = ("benign", "refer", "malignant")


def _read_parts(results: Results) -> list[tuple[Network, ReportPart]]:
    return [(each, part) for each in results.networks if (part := read_clean(each)) and part.p.size]


def write_coverage(results: Results) -> str:
    """Write the curve of coverage against error."""
    parts = _read_parts(results)
    if not parts:
        return join_parts("## Coverage against error", name_missing("this plot", COMMAND))
    rows = []
    with draw(results.plots, "coverage.svg") as (axes,):
        for index, (network, part) in enumerate(parts):
            coverage, error = trace_coverage(part.p, part.y, network.policy.threshold)
            axes.plot(coverage, error, label=network.name, **style_line(index))
            at = [max(round(share * coverage.size) - 1, 0) for share in _COVERAGES]
            rows.append([network.name, *(f"{100 * error[i]:.1f} %" for i in at)])
        axes.set(
            xlabel="Share answered, surest first",
            ylabel="Share wrong of the answered",
            xlim=(0, 1),
            ylim=(0, None),
        )
        axes.legend()
    return join_parts(
        "## Coverage against error",
        "If the images nearest to the threshold are left to a person: how many answers are wrong among the rest "
        "(602 clean images).",
        format_table(["Answered", *(f"{100 * share:.0f} %" for share in _COVERAGES)], rows),
        format_picture("coverage.svg", "Share wrong against share answered"),
        name_command(COMMAND),
    )


def write_calibration(results: Results) -> str:
    """Write the reliability diagrams."""
    parts = _read_parts(results)
    if not parts:
        return join_parts("## Calibration", name_missing("this plot", COMMAND))
    with draw(results.plots, "calibration.svg", panels=len(parts), width=3.4) as panels:
        for axes, (network, part) in zip(panels, parts, strict=True):
            means, shares, counts = _bin(part)
            axes.plot([0, 1], [0, 1], color="#999999", linewidth=1)
            axes.plot(means, shares, marker="o", **style_line(0))
            for x, y, count in zip(means, shares, counts, strict=True):
                axes.annotate(str(count), (x, y), xytext=(4, -9), textcoords="offset points", fontsize=7)
            axes.set(
                title=network.name,
                xlabel="Mean calibrated P",
                ylabel="Share malignant",
                xlim=(0, 1),
                ylim=(0, 1.03),
            )
    return join_parts(
        "## Calibration",
        "Ten bins of equal width on the 602 clean images; beside each point the number of images.",
        format_picture("calibration.svg", "Share malignant against mean calibrated probability"),
        name_command(COMMAND),
    )


def write_roc(results: Results) -> str:
    """Write the ROC curves: every network on the clean images, the default on every set."""
    parts = _read_parts(results)
    if not parts:
        return join_parts("## ROC", name_missing("this plot", COMMAND))
    default = parts[0][0]
    named = [("602 clean", parts[0][1])]
    for name in ("ham10000-subset", "isic2017-segmentation"):
        part = read_seen(default, name)
        if part and part.y.any() and not part.y.all():
            named.append((f"{name}, seen", part))
    with draw(results.plots, "roc.svg", panels=2) as (left, right):
        for index, (network, part) in enumerate(parts):
            left.plot(
                *_trace_roc(part),
                label=f"{network.name} {measure_auc(part.p, part.y):.3f}",
                **style_line(index),
            )
        for index, (name, part) in enumerate(named):
            right.plot(
                *_trace_roc(part), label=f"{name} {measure_auc(part.p, part.y):.3f}", **style_line(index)
            )
        left.set_title("602 clean test images")
        right.set_title(default.name)
        for axes in (left, right):
            axes.plot([0, 1], [0, 1], color="#999999", linewidth=1)
            axes.set(xlabel="1 - specificity", ylabel="Sensitivity", xlim=(0, 1), ylim=(0, 1.01))
            axes.legend(loc="lower right")
    return join_parts(
        "## ROC",
        format_picture("roc.svg", "ROC curves, by network and by image set, with AUC"),
        name_command(COMMAND),
    )


def write_confusion(results: Results) -> str:
    """Write what was said of each class."""
    parts = _read_parts(results)
    if not parts:
        return join_parts("## Confusion", name_missing("this table", COMMAND))
    rows: list[list[object]] = []
    with draw(results.plots, "confusion.svg", panels=len(parts), width=3.0, height=2.4) as panels:
        for axes, (network, part) in zip(panels, parts, strict=True):
            counts = _count_outcomes(part)
            rows += [
                [network.name, truth, *line]
                for truth, line in zip(("benign", "malignant"), counts, strict=True)
            ]
            share = np.array(counts) / np.maximum(np.sum(counts, axis=1, keepdims=True), 1)
            axes.pcolormesh(share, cmap="Blues", vmin=0, vmax=1)
            axes.invert_yaxis()
            axes.grid(visible=False)
            for (row, column), value in np.ndenumerate(share):
                colour = "white" if value > 0.5 else "black"
                axes.text(
                    column + 0.5, row + 0.5, str(counts[row][column]), ha="center", va="center", color=colour
                )
            axes.set_xticks(np.arange(3) + 0.5, _OUTCOMES)
            axes.set_yticks(np.arange(2) + 0.5, ["benign", "malignant"])
            axes.set(title=network.name, xlabel="said", ylabel="is")
    return join_parts(
        "## Confusion",
        "What the portal says of the 602 clean images, *refer* among its answers.",
        format_table(["", "is", *(f"said {name}" for name in _OUTCOMES)], rows),
        format_picture("confusion.svg", "What was said against what is"),
        name_command(COMMAND),
    )


def write_training(results: Results) -> str:
    """Write the curves of training, of every network whose specification holds its history."""
    histories = [
        (each.name, each.specification.training["history"])
        for each in results.networks
        if each.specification and each.specification.training.get("history")
    ]
    if not histories:
        return join_parts("## Training", name_missing("the history", "python -m ml train"))
    with draw(results.plots, "training.svg", panels=2) as (left, right):
        for index, (name, history) in enumerate(histories):
            named = dict.fromkeys(key for row in history for key in row)
            keys = [key for key in named if key not in ("epoch", "learning_rate", "seconds")]
            for key in keys:
                axes = left if "loss" in key else right
                style = style_line(index) | ({"linewidth": 0.8} if "validation" not in key else {})
                style["marker"] = "." if "accuracy" in key else None
                points = [(row["epoch"], row[key]) for row in history if key in row]
                axes.plot(*zip(*points, strict=True), label=f"{name} {key.replace('_', ' ')}", **style)
        for axes, title in ((left, "Loss"), (right, "Accuracy and AUC")):
            axes.set(xlabel="Epoch", title=title)
            if axes.lines:
                axes.legend(fontsize=6)
    return join_parts(
        "## Training",
        format_picture("training.svg", "Loss, accuracy and AUC by epoch"),
        "Made by `python -m ml train`, then `python -m ml report`.",
    )


def _trace_roc(part: ReportPart) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    order = np.argsort(-part.p, kind="stable")
    last = np.append(np.flatnonzero(np.diff(part.p[order])), part.p.size - 1)
    hits, alarms = np.cumsum(part.y[order])[last], np.cumsum(~part.y[order])[last]
    return np.insert(alarms / alarms[-1], 0, 0.0), np.insert(hits / hits[-1], 0, 0.0)


def _bin(part: ReportPart) -> tuple[list[float], list[float], list[int]]:
    index = np.minimum((part.p * 10).astype(int), 9)
    kept = [index == number for number in range(10) if (index == number).any()]
    return (
        [float(part.p[each].mean()) for each in kept],
        [float(part.y[each].mean()) for each in kept],
        [int(each.sum()) for each in kept],
    )


def _count_outcomes(part: ReportPart) -> list[list[int]]:
    said = np.array([row.scored.outcome for row in part.rows])
    return [
        [int(((said == name) & (part.y == truth)).sum()) for name in _OUTCOMES] for truth in (False, True)
    ]
