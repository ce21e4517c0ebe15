"""The section of what the extra training images change: the same network with and without them."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets.records import EXTRA_SET, PAPER_SET
from ml.evaluation.metrics import bootstrap_lesions, measure_auc
from ml.research.report.sets import TEST, read_clean, read_other, read_seen, read_unseen, read_within_source
from ml.research.report.stored import COMPARISON, DEFAULT_NETWORK, Network, ReportPart, Results
from ml.research.report.text import format_table, join_parts, name_command, name_missing

_TWIN_COMMAND = (
    f"python -m ml train --architecture {DEFAULT_NETWORK} --data-sets {PAPER_SET} --views 4 --version VERSION "
    "--calibration ml/results/cross-validation/paper-data-288.csv --output TWIN.h5 --folder var/training/twin"
)


def write_extra_data(results: Results) -> str:
    """Write the effect of the extra training images: held out inside train, then on the test sets."""
    return join_parts(
        "## With and without the extra training images",
        _write_held_out(results),
        _write_tested(results),
    )


def name_twin(results: Results) -> str:
    """Say what the default's twin in the tables is; empty where none is compared."""
    pair = _find_pair(results)
    if pair is None:
        return ""
    default, twin = pair
    return (
        f"*{twin.name}* ({twin.record['version']}) stands beside {default.name} to compare with results on the same "
        f"images: trained on {' and '.join(twin.training_sets)} alone, {_compare_plans(default, twin)}. It doesn't "
        "ship."
    )


def _find_pair(results: Results) -> tuple[Network, Network] | None:
    """Return the default and its twin, None unless both have predictions."""
    twin = results.comparison
    return (results.compared[0], twin) if twin and twin in results.compared else None


def _compare_plans(default: Network, twin: Network) -> str:
    changes = sorted(_list_changes(default.plan, twin.plan))
    return f"by a plan that differs in {', '.join(changes)} too" if changes else "by the same plan and seed"


def _write_tested(results: Results) -> str:
    """Compare the network that ships with its twin, which learnt from the paper's images alone."""
    pair = _find_pair(results)
    if pair is None:
        return ""
    default, twin = pair
    rows: list[Sequence[object]] = []
    common = read_seen(twin, "ham10000-subset")
    parts: list[tuple[str, ReportPart | None, ReportPart | None]] = [
        ("530 unseen", read_unseen(default), read_unseen(twin)),
        ("602 clean", read_clean(default), read_clean(twin)),
        ("within one source", read_within_source(default), read_within_source(twin)),
        ("660", default.read_part(TEST), twin.read_part(TEST)),
        (
            "HAM10000, naevi and melanomas",
            _match(read_other(default, "ham10000-subset"), common),
            common,
        ),
        (
            "HAM10000, all diagnoses",
            read_other(default, "ham10000-subset"),
            read_other(twin, "ham10000-subset"),
        ),
        ("ISIC 2017", default.read_part("isic2017-segmentation"), twin.read_part("isic2017-segmentation")),
    ]
    for title, first, second in parts:
        if first and second:
            rows.append([title, *_compare(first, second, results.rounds)])
    return join_parts(
        f"On the test sets, {default.name} as it ships and {twin.name}: AUC, and the difference with its paired "
        "interval. All their figures stand side by side in the sections above.",
        format_table(["", "As it ships", "Paper's images alone", "Difference"], rows),
        f"The twin is made by `{_TWIN_COMMAND.replace('VERSION', twin.record['version'])}`.",
        name_command(f"python -m ml evaluate --sets all --model TWIN.h5 --keep-as {COMPARISON}"),
    )


def _match(part: ReportPart | None, like: ReportPart | None) -> ReportPart | None:
    if part is None or like is None:
        return None
    paths = {row.image.path for row in like.rows}
    return part.keep(lambda row: row.image.path in paths)


def _compare(first: ReportPart, second: ReportPart, rounds: int) -> list[object]:
    if [row.image.path for row in first.rows] != [row.image.path for row in second.rows]:
        raise ValueError("Expected both networks' predictions of the same images, received others.")
    return _compare_scores(first.p, second.p, first.y, first.lesions, rounds)


def _compare_scores(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    labels: NDArray[np.bool_],
    lesions: Sequence[str],
    rounds: int,
) -> list[object]:
    both = np.stack([first, second])
    index = np.arange(first.size, dtype=np.float64)

    def measure_difference(drawn: Any, y: Any) -> float:
        a, b = both[:, drawn.astype(np.int64)]
        return measure_auc(a, y) - measure_auc(b, y)

    bounds = bootstrap_lesions({"difference": measure_difference}, index, labels, lesions, rounds=rounds)
    low, high = bounds["difference"]
    value = measure_difference(index, labels)
    aucs = [f"{measure_auc(p, labels):.3f}" for p in (first, second)]
    return [*aucs, f"{value:+.3f} ({low:+.3f} to {high:+.3f})"]


def _write_held_out(results: Results) -> str:
    """Compare by cross-validation: a recipe that also learns from the extra set, and the same without."""
    command = "python -m ml crossvalidate --data-sets fanconi-isic ham10000-extra-train"
    folder = results.folder / "cross-validation"
    summaries = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
        if path.with_suffix(".csv").is_file()
    }
    rows: list[Sequence[object]] = []
    for name, summary in summaries.items():
        partner = _find_partner(summary, summaries)
        if partner is None:
            continue
        other, alone = _read_scores(folder / f"{name}.csv"), _read_scores(folder / f"{partner}.csv")
        common = [path for path in other if path in alone]
        p, q = (np.array([scores[path][0] for path in common]) for scores in (other, alone))
        y = np.array([alone[path][1] for path in common])
        lesions = [alone[path][2] for path in common]
        rows.append(
            [
                name,
                partner,
                len(common),
                *_compare_scores(p, q, y, lesions, results.rounds),
                _score_extra(folder, name),
            ]
        )
    if not rows:
        return name_missing("the comparison", command)
    return join_parts(
        f"Recipes that also learn from {EXTRA_SET}, each against the same recipe on the paper's images alone, on "
        "the paper's images that both held out: AUC, and the difference with its paired interval, whole lesions "
        "drawn anew. The last column is the AUC on the extra set's own held-out images.",
        format_table(
            [
                "Recipe",
                "Against",
                "Images",
                "With them",
                "Paper's images alone",
                "Difference",
                "Extra images",
            ],
            rows,
        ),
        name_command(command),
    )


def _find_partner(summary: dict[str, Any], summaries: dict[str, dict[str, Any]]) -> str | None:
    """Name the recipe of the same plan that learns from the paper's images alone, if one is stored."""
    if EXTRA_SET not in summary["data_sets"]:
        return None
    alone = [name for name, each in summaries.items() if each["data_sets"] == [PAPER_SET]]
    wanted = _describe_recipe(summary)
    return next(
        (name for name in alone if not _list_changes(wanted, _describe_recipe(summaries[name]))), None
    )


def _describe_recipe(summary: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe's plan and surroundings."""
    return {**summary["plan"], **{key: summary.get(key) for key in ("views", "folds", "backend")}}


def _list_changes(first: dict[str, Any], second: dict[str, Any]) -> set[str]:
    """Return the names of what differs."""
    return {key for key in {*first, *second} if first.get(key) != second.get(key)}


def _score_extra(folder: Path, name: str) -> str:
    scores = _read_scores(folder / f"{name}.csv", EXTRA_SET)
    p = np.array([each[0] for each in scores.values()])
    y = np.array([each[1] for each in scores.values()])
    return f"{measure_auc(p, y):.3f}" if y.any() and not y.all() else "–"


def _read_scores(path: Path, data_set: str = PAPER_SET) -> dict[str, tuple[float, bool, str]]:
    """Return raw P(malignant), label and lesion of a set's images in a cross-validation's file."""
    with path.open(newline="", encoding="utf-8") as stream:
        return {
            row["path"]: (float(row["probability"]), row["label"] == "1", row["group"])
            for row in csv.DictReader(stream)
            if row["data_set"] == data_set
        }
