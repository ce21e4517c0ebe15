"""Stored predictions: one CSV a network and set, and an index that says what made them."""

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.datasets.image_sets import SetImage, list_training_sets
from ml.digests import digest_file
from ml.evaluation.scoring import CLASS_PREFIX, ScoredImage, list_classes
from ml.evaluation.scoring import COLUMNS as SCORED
from ml.imaging.views import IDENTITY
from ml.serving.specification import ModelSpecification

RESULTS = Path(__file__).resolve().parents[1] / "results"
INDEX = "index.json"
CONSISTENCY = "consistency"
_NUMBERS = ("probability", "calibrated_probability", "ita")
_USUAL = {
    "classes": ["benign", "malignant"],
    "malignant_classes": ["malignant"],
    "colour_order": "rgb",
    "output": "probabilities",
}
_KNOWN = ("diagnosis", "lesion", "age", "sex", "site", "skin_type", "tags")
COLUMNS = (*SCORED, *_KNOWN, "ita")
# What decides the diagnoses, of a network that names them.
_DIAGNOSES = ("diagnosis_calibration", "diagnosis_policy")


class ResultsError(ValueError):
    """Stored results are missing, or not what their index says."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One prediction and what is known of its image: `ScoredImage`, `SetImage` and ITA in degrees."""

    scored: ScoredImage
    image: SetImage
    ita: float | None


def describe_network(specification: ModelSpecification) -> dict[str, Any]:
    """Return what decides a prediction, the training sets and the plan if there is one, as a JSON object."""
    data = specification.to_dict()
    plan = specification.training.get("plan")
    keys = ("name", "version", "sha256", "architecture", "parameters", "scaling", "views", *_USUAL)
    kept = {key: data[key] for key in (*keys, "calibration", "policy", *_DIAGNOSES) if key in data}
    described = {**kept, "training_sets": list_training_sets(specification.training)}
    return {**described, "plan": plan} if plan else described


def digest_network(network: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what decides a prediction: file, input, views, calibration, policy, diagnoses."""
    deciding = {key: network.get(key) for key in ("sha256", "scaling", "views", "calibration", "policy")}
    if deciding["views"] == [IDENTITY]:
        deciding["views"] = None
    deciding |= {key: network[key] for key, usual in _USUAL.items() if network.get(key, usual) != usual}
    deciding |= {key: network[key] for key in _DIAGNOSES if network.get(key)}
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def read_index(folder: Path) -> dict[str, Any]:
    """Return the index of a network's predictions; empty when there is none."""
    path = folder / INDEX
    if not path.is_file():
        return {"network": {}, "files": {}}
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def is_stored(folder: Path, name: str, network: Mapping[str, Any], manifest: str) -> bool:
    """Tell whether `name`.csv holds this network's answers to the images of this manifest."""
    index = read_index(folder)
    entry = index["files"].get(name, {})
    path = folder / f"{name}.csv"
    return (
        entry.get("network") == digest_network(network)
        and entry.get("manifest") == manifest
        and path.is_file()
        and digest_file(path) == entry.get("csv")
    )


def store_table(
    folder: Path,
    name: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    network: Mapping[str, Any],
    manifest: str,
) -> None:
    """Write `name`.csv and enter it in the index, each whole or not at all; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.csv"
    draft = path.with_name(path.name + ".partial")
    with draft.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    draft.replace(path)
    files = read_index(folder)["files"]
    files[name] = {
        "images": len(rows),
        "network": digest_network(network),
        "manifest": manifest,
        "csv": digest_file(path),
    }
    _write_index(folder, {"network": dict(network), "files": dict(sorted(files.items()))})


def format_table(rows: Sequence[StoredRow]) -> tuple[list[str], list[list[str]]]:
    """Return the head and the cells of `rows`: COLUMNS, and the probability of each class where they are told.

    Numbers keep seven significant digits.
    """
    classes = list_classes(row.scored for row in rows)
    return [*COLUMNS, *(CLASS_PREFIX + name for name in classes)], [_format_row(row, classes) for row in rows]


def _format_row(row: StoredRow, classes: Sequence[str]) -> list[str]:
    cells = {name: getattr(row.scored, name) for name in SCORED}
    cells |= {name: getattr(row.image, name) for name in _KNOWN}
    cells["ita"] = row.ita
    shares = dict(row.scored.diagnoses)
    return [
        *(format_number(cells[name]) if name in _NUMBERS else str(cells[name]) for name in COLUMNS),
        *(format_number(shares.get(name)) for name in classes),
    ]


def format_number(value: float | None) -> str:
    """Return `value` with seven significant digits, None as nothing."""
    return "" if value is None else f"{value:.7g}"


def read_rows(folder: Path, name: str) -> list[StoredRow]:
    """Return the stored predictions of a set; raises ResultsError when missing or changed."""
    return [_parse_row(row) for row in read_table(folder, name)]


def read_table(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of `name`.csv; raises ResultsError when missing or not the one indexed."""
    path = folder / f"{name}.csv"
    entry = read_index(folder)["files"].get(name)
    if entry is None or not path.is_file():
        raise ResultsError(f"Expected {name}.csv in {folder.name}, received none.")
    if digest_file(path) != entry["csv"]:
        raise ResultsError(f"{folder.name}/{name}.csv: expected the file of its index, received another.")
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _parse_row(row: Mapping[str, str]) -> StoredRow:
    raw, calibrated, ita = (float(row[name]) if row[name] else None for name in _NUMBERS)
    shares = tuple(
        (name.removeprefix(CLASS_PREFIX), float(cell))
        for name, cell in row.items()
        if name.startswith(CLASS_PREFIX) and cell
    )
    scored = ScoredImage(
        row["path"], row["sha256"], row["label"], raw, calibrated, row["outcome"], row["error"], shares
    )
    known = {name: row[name] for name in _KNOWN}
    return StoredRow(scored, SetImage(row["path"], row["sha256"], row["label"], **known), ita)


def _write_index(folder: Path, index: Mapping[str, Any]) -> None:
    path = folder / INDEX
    draft = path.with_name(path.name + ".partial")
    draft.write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)
