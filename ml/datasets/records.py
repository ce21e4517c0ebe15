"""Train and test split without leakage: the training images, and which of them belong together."""

import csv
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.imaging.inputs import build_input

LABELS = ("benign", "malignant")
PAPER_SET = "fanconi-isic"
EXTRA_SET = "ham10000-extra-train"
_IMAGE_COLUMNS = ("path", "split", "label", "sha256", "test_image_has_train_duplicate")


class DataError(ValueError):
    """The image set is missing or not what its tables say."""


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One labelled image.

    `path` is relative to the set's folder; `label` is 0 benign, 1 malignant; `group` names the
    lesion: near-duplicates share it; `clean` is False for a test image whose lesion is in train;
    `data_set` is the name of that folder; `diagnosis` a short name (nv, mel, bcc …), empty where the
    set's tables don't tell it.
    """

    path: str
    split: str
    label: int
    sha256: str
    group: str
    clean: bool
    data_set: str = PAPER_SET
    diagnosis: str = ""


def find_data_root(name: str = PAPER_SET) -> Path:
    """Return the folder of the image set `name` under `DERMAPORT_DATA`, existing or not."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("DERMAPORT_DATA") or default) / name


def read_records(root: Path) -> list[ImageRecord]:
    """Read `images.csv` and `near_duplicates.csv` in `root`, sorted by path.

    Images in one near-duplicate pair, sure or probable, within or across the splits, are in one
    group, and so are theirs. Raises DataError when a table is missing or malformed.
    """
    rows = _read_table(root / "images.csv", _IMAGE_COLUMNS)
    pairs = _read_table(root / "near_duplicates.csv", ("path_a", "path_b"))
    groups = group_paths((row["path"] for row in rows), ((pair["path_a"], pair["path_b"]) for pair in pairs))
    records = []
    for row in rows:
        if row["split"] not in ("train", "test") or row["label"] not in LABELS:
            raise DataError(
                f"images.csv: expected split train or test and label benign or malignant, "
                f"received {row['split']!r} and {row['label']!r} for {row['path']}."
            )
        records.append(
            ImageRecord(
                path=row["path"],
                split=row["split"],
                label=LABELS.index(row["label"]),
                sha256=row["sha256"],
                group=groups[row["path"]],
                clean=row["test_image_has_train_duplicate"] != "1",
            )
        )
    return sorted(records, key=lambda record: record.path)


def read_extra_records(root: Path) -> list[ImageRecord]:
    """Read `metadata.csv` and `manifest.sha256` of ham10000-extra-train: train records, by path.

    Each image is another lesion, and no lesion of any other set. Raises DataError.
    """
    columns = ("path", "label", "lesion_id", "dx")
    digests = read_manifest(root)
    return sorted(
        (
            ImageRecord(
                path=row["path"],
                split="train",
                label=_read_label(row["label"], row["path"]),
                sha256=digests.get(row["path"], ""),
                group=f"{EXTRA_SET}/{row['lesion_id']}",
                clean=True,
                data_set=EXTRA_SET,
                diagnosis=row["dx"],
            )
            for row in _read_table(root / "metadata.csv", columns)
        ),
        key=lambda record: record.path,
    )


def read_manifest(root: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in `root` by its path; raises DataError when none is given."""
    try:
        lines = (root / "manifest.sha256").read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"Expected manifest.sha256 in {root}, received: {error.strerror}.") from error
    return {path: digest for digest, _, path in (line.partition("  ") for line in lines)}


def group_paths(paths: Iterable[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the group of every path: the first path of its connected component of `pairs`."""
    parent = {path: path for path in paths}

    def find_root(path: str) -> str:
        while parent[path] != path:
            parent[path] = parent[parent[path]]
            path = parent[path]
        return path

    for first, second in pairs:
        if first not in parent or second not in parent:
            raise DataError(f"near_duplicates.csv: expected paths of images.csv, received {first}, {second}.")
        low, high = sorted((find_root(first), find_root(second)))
        parent[high] = low
    return {path: find_root(path) for path in parent}


def split_validation(
    records: Sequence[ImageRecord], *, fraction: float = 0.15, seed: int = 0
) -> tuple[list[ImageRecord], list[ImageRecord]]:
    """Split the train records into (train, validation), whole lesions only, per class.

    Groups are taken in an order set by the hash of `seed` and the group's name, so neither the
    order of `records` nor a library's random generator matters; each class gives at least
    `fraction` of its images, at most one group more. Test records are left out.
    Raises DataError when a class would be empty on either side.
    """
    groups: dict[str, list[ImageRecord]] = defaultdict(list)
    for record in records:
        if record.split == "train":
            groups[record.group].append(record)
    totals = [sum(r.label == label for g in groups.values() for r in g) for label in (0, 1)]
    taken = [0, 0]
    train: list[ImageRecord] = []
    validation: list[ImageRecord] = []
    for name in sorted(groups, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()):
        members = groups[name]
        label = members[0].label
        chosen = taken[label] < fraction * totals[label]
        taken[label] += len(members) if chosen else 0
        (validation if chosen else train).extend(members)
    if any({r.label for r in part} != {0, 1} for part in (train, validation)):
        raise DataError(
            f"Expected both classes in train and validation, received {len(train)} and "
            f"{len(validation)} images."
        )
    return sorted(train, key=lambda r: r.path), sorted(validation, key=lambda r: r.path)


def deal_groups(
    groups: Sequence[str], kinds: Sequence[tuple[str, int]], folds: int, *, seed: int = 0
) -> NDArray[np.int64]:
    """Return the fold, int64 (n,) in [0, folds), of each image: whole groups, every kind dealt evenly.

    `groups` (n,) names of lesions; `kinds` (n,) what must be even, such as (set, class). Groups are dealt, in
    an order set by the hash of `seed` and the name, to the fold that has fewest of their first image's kind.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    filled: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * folds)
    result = np.empty(len(groups), dtype=np.int64)
    for name in sorted(members, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()):
        counts = filled[kinds[members[name][0]]]
        fold = counts.index(min(counts))
        counts[fold] += len(members[name])
        result[members[name]] = fold
    return result


def load_pixels(
    root: Path, records: Sequence[ImageRecord], size: tuple[int, int], *, what: str = "Decoding"
) -> NDArray[np.uint8]:
    """Decode `records` as the portal does; returns uint8 (n, height, width, 3).

    Raises DataError when a file is missing or its SHA-256 is not the recorded one.
    """
    pixels = np.empty((len(records), *size, 3), dtype=np.uint8)
    for index, record in enumerate(tqdm(records, desc=what, unit="image", leave=False)):
        try:
            data = (root / record.path).read_bytes()
        except OSError as error:
            raise DataError(f"Expected the image {record.path}, received: {error}.") from error
        received = hashlib.sha256(data).hexdigest()
        if received != record.sha256:
            raise DataError(f"{record.path}: expected SHA-256 {record.sha256}, received {received}.")
        pixels[index] = build_input(data, size)
    return pixels


def read_labels(records: Sequence[ImageRecord]) -> NDArray[np.int64]:
    """Return the labels, int64 (n,), 1 = malignant."""
    return np.array([record.label for record in records], dtype=np.int64)


def _read_label(label: str, path: str) -> int:
    if label not in LABELS:
        raise DataError(f"Expected the label benign or malignant, received {label!r} for {path}.")
    return LABELS.index(label)


def _read_table(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    if not path.is_file():
        raise DataError(
            f"Expected the table {path.name} in {path.parent}, received none. "
            f"Set DERMAPORT_DATA to the folder that holds the image sets."
        )
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in columns if name not in (reader.fieldnames or [])]
        if missing:
            raise DataError(f"{path.name}: expected the column {missing[0]!r}, received none.")
        return list(reader)
