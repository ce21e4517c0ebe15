"""The section of what each recipe is worth on a source it never learned from."""

import json
from typing import Any

from ml.datasets.sources import COUNTED, HOLD_OUTS, SOURCES
from ml.research.report.stored import Results
from ml.research.report.text import format_share, format_table, join_parts, name_command, name_missing
from ml.training.left_out_sources import check_promises, read_left_out

FOLDER = "left-out-sources"
_FOLDS = 5
_COMMAND = "python -m ml sources --name RECIPE"
_NAMES = {"ham10000": "HAM10000", "msk": "MSK", "uda": "UDA", "isic2020": "ISIC 2020"}


def write_travel(results: Results) -> str:
    """Write the tables of leave-one-source-out cross-validation and of the policy's promises there."""
    heading = "## On a source left out"
    paths = sorted((results.folder / FOLDER).glob("*.json"))
    if not paths:
        return join_parts(heading, name_missing("these tables", _COMMAND))
    stored = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return join_parts(
        heading,
        _explain(stored[0]),
        write_recipes(stored),
        _write_promises(results),
        name_command(_COMMAND),
    )


def _explain(record: dict[str, Any]) -> str:
    counts = ", ".join(
        f"{name} {benign:,} benign and {malignant:,} malignant"
        for name, (benign, malignant) in record["counts"].items()
    )
    sources = "\n".join(f"- *{name}*: {words}." for name, words in SOURCES.items())
    return join_parts(
        f"Each source of the training images is left out in turn, with every lesion of it, and judged by a network "
        f"that never saw it ({counts}):",
        sources,
        "*Mean* and *worst* are over the four sources that hold both classes; where the start had already learned from "
        "some sets (version 1.1.0 from the paper's and ham10000-extra-train), their images are not judged, HAM10000 "
        "is missing and three are left, so such means compare among themselves alone. *unnamed* holds malignant images "
        "alone: they are judged beside a fifth of the paper's benign ones, left out with them; the archive tells "
        "those two apart as well, so that figure counts nowhere. *msk+uda* leaves out the whole archive of ISIC "
        "2017. *Within one set* is of the images of extra-train-2 alone, whose classes were prepared alike. "
        "*By lesion*: five folds of all training images that are judged, lesions whole, and of the paper's alone; "
        "sources are pooled there, so a figure that stands higher in one source than in another counts against it.",
    )


def write_recipes(stored: list[dict[str, Any]]) -> str:
    """Write the table of AUC by source left out, of records as `ml.training.left_out_sources` writes them."""
    header = ["Recipe", "What it is", "Mean", "Worst", *_NAMES.values()]
    header += [
        "MSK, within one set",
        "UDA, within one set",
        "unnamed",
        "msk+uda",
        "By lesion",
        "By lesion, paper",
    ]
    rows = []
    for record in sorted(stored, key=lambda each: -each.get("mean", 0.0)):
        by_source = record["by_source"]
        cells = [
            record.get("mean"),
            record.get("worst"),
            *(by_source.get(name, {}).get("auc") for name in COUNTED),
        ]
        cells += [by_source.get(name, {}).get("within_set") for name in ("msk", "uda")]
        cells += [by_source.get(name, {}).get("auc") for name in HOLD_OUTS if name not in COUNTED]
        lesions = record.get("lesions", {})
        shown = [*map(_show, cells), *(_show(lesions.get(key)) for key in ("auc", "paper"))]
        if lesions and lesions["folds"] < _FOLDS:
            shown[-2] += f" (fold{'s' if lesions['folds'] > 1 else ''} held out: {lesions['folds']})"
        rows.append([record["recipe"], record["description"] or "–", *shown])
    return join_parts("AUC:", format_table(header, rows))


def _write_promises(results: Results) -> str:
    tables = []
    for path in sorted((results.folder / FOLDER).glob("*.csv")):
        found = check_promises(read_left_out(path))
        rows = [
            [
                _NAMES.get(name, name),
                each["images"],
                *(format_share(each[key]) for key in ("missed", "alarmed", "answered", "far")),
                f"{each['ece']:.3f}",
            ]
            for name, each in found.items()
        ]
        mean = [sum(each[key] for each in found.values()) / len(found) for key in ("answered", "ece")]
        tables.append(
            join_parts(
                f"Calibration and policy of *{path.stem}* fitted on the other sources, then met with each source: "
                f"{format_share(mean[0])} answered and a calibration error of {mean[1]:.3f} on average.",
                format_table(
                    [
                        "Source left out",
                        "Images",
                        "Malignant called benign",
                        "Benign called malignant",
                        "Answered",
                        "Referred as far",
                        "ECE",
                    ],
                    rows,
                ),
            )
        )
    return join_parts(*tables)


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
