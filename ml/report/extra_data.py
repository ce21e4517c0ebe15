"""The section of what the extra training images change: the same network with and without them."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data import EXTRA_SET, PAPER_SET
from ml.metrics import measure_auc
from ml.metrics_lesions import bootstrap_lesions
from ml.report.sets import read_clean, read_seen
from ml.report.stored import DEFAULT_NETWORK, Part, Results
from ml.report.text import format_table, join_parts, name_command, name_missing

_ALONE = "paper-data"


def write_extra_data(results: Results) -> str:
    """Write the effect of the extra training images: the same recipe with and without them."""
    heading = "## With and without the extra training images"
    default = next((each for each in results.networks if each.name == DEFAULT_NETWORK), None)
    other = results.comparison
    if default is None or other is None:
        return _write_held_out(heading, results)
    rows: list[Sequence[object]] = []
    common = read_seen(other, "ham10000-subset")
    parts: list[tuple[str, Part | None, Part | None]] = [
        ("602 clean", read_clean(default), read_clean(other)),
        ("660", default.read_part("fanconi-test"), other.read_part("fanconi-test")),
        (
            "HAM10000, naevi and melanomas",
            _match(default.read_part("ham10000-subset"), common),
            common,
        ),
        ("HAM10000, all diagnoses", default.read_part("ham10000-subset"), other.read_part("ham10000-subset")),
        ("ISIC 2017", default.read_part("isic2017-segmentation"), other.read_part("isic2017-segmentation")),
    ]
    for title, first, second in parts:
        if first and second:
            rows.append([title, *_compare(first, second, results.rounds)])
    return join_parts(
        heading,
        f"The same recipe, trained on {' and '.join(default.training_sets)} as shipped, and on "
        f"{' and '.join(other.training_sets)} alone: AUC, and the difference with its paired interval.",
        format_table(["", "As shipped", "Paper's images alone", "Difference"], rows),
        name_command("python -m ml evaluate --sets all"),
    )


def _match(part: Part | None, like: Part | None) -> Part | None:
    if part is None or like is None:
        return None
    paths = {row.image.path for row in like.rows}
    return part.keep(lambda row: row.image.path in paths)


def _compare(first: Part, second: Part, rounds: int) -> list[object]:
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


def _write_held_out(heading: str, results: Results) -> str:
    """Compare by cross-validation, where the network that ships learns from the paper's images alone."""
    command = "python -m ml crossvalidate --data-sets fanconi-isic ham10000-extra-train"
    folder = results.folder / "cross-validation"
    summaries = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}
    with_extra = sorted(name for name, each in summaries.items() if EXTRA_SET in each["data_sets"])
    if not with_extra or _ALONE not in summaries:
        return join_parts(heading, name_missing("the comparison", command))
    alone = _read_scores(folder / f"{_ALONE}.csv")
    rows: list[Sequence[object]] = []
    for name in with_extra:
        other = _read_scores(folder / f"{name}.csv")
        common = [path for path in other if path in alone]
        p, q = (np.array([scores[path][0] for path in common]) for scores in (other, alone))
        y = np.array([alone[path][1] for path in common])
        lesions = [alone[path][2] for path in common]
        rows.append([name, len(common), *_compare_scores(p, q, y, lesions, results.rounds)])
    return join_parts(
        heading,
        "The network that ships learns from the paper's images alone. Recipes that also learn from "
        f"{EXTRA_SET}, against `{_ALONE}`, on the paper's images that both held out: AUC, and the difference "
        "with its paired interval, whole lesions drawn anew.",
        format_table(["Recipe", "Images", "With them", "Paper's images alone", "Difference"], rows),
        name_command(command),
    )


def _read_scores(path: Path) -> dict[str, tuple[float, bool, str]]:
    """Return raw P(malignant), label and lesion of the paper's images in a cross-validation's file."""
    with path.open(newline="", encoding="utf-8") as stream:
        return {
            row["path"]: (float(row["probability"]), row["label"] == "1", row["group"])
            for row in csv.DictReader(stream)
            if row["data_set"] == PAPER_SET
        }
