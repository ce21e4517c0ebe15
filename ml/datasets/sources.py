"""Sources of the training images: which hospital or archive each comes from, and which lesions are one.

Archive and class go together in these sets, so a network can learn the archive instead of the lesion. What it
is worth elsewhere is seen only on a source it never learned from.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.datasets.records import (
    EXTRA_SET,
    LABELS,
    PAPER_SET,
    DataError,
    ImageRecord,
    deal_groups,
    find_data_root,
    group_paths,
    read_extra_records,
    read_manifest,
    read_records,
)

ARCHIVES_SET: Final = "extra-train-2"
SOURCED_SETS: Final = (PAPER_SET, EXTRA_SET, ARCHIVES_SET)

HAM10000: Final = "ham10000"
MSK: Final = "msk"
UDA: Final = "uda"
ISIC_2020: Final = "isic2020"
UNNAMED: Final = "unnamed"
SOURCES: Final[dict[str, str]] = {
    HAM10000: "HAM10000: Vienna and Queensland; its tables at hand don't say which image is whose",
    MSK: "Memorial Sloan Kettering, ISIC archive 2016 to 2018 (MSK-1 to 5, and 23 naevi of SONIC)",
    UDA: "UDA-1 and UDA-2, ISIC archive 2016 to 2018; isic2017-segmentation is of UDA-1 too",
    ISIC_2020: "ISIC 2020: Barcelona, Vienna, MSK, Sydney, Queensland, Athens",
    UNNAMED: "malignant images of the paper's set that no archive at hand names",
}
# What is left out in turn: each hold-out's sources. ISIC 2017 is unseen only where all of its archive is.
HOLD_OUTS: Final[dict[str, tuple[str, ...]]] = {
    HAM10000: (HAM10000,),
    MSK: (MSK,),
    UDA: (UDA,),
    ISIC_2020: (ISIC_2020,),
    UNNAMED: (UNNAMED,),
    "msk+uda": (MSK, UDA),
}
# The hold-outs that hold both classes and overlap nowhere: the mean and the worst are taken over these.
COUNTED: Final = (HAM10000, MSK, UDA, ISIC_2020)

# UDA's images are the archive's oldest: UDA-1 below 558, UDA-2 from 1,100 to 1,385; all later ones are others'.
_UDA_IDS_BELOW = 2000
_HAM_IDS = range(24306, 34321)
# The paper's set squashes the whole 4:3 frame into a square; others cut the square from its middle.
SQUASHED: Final = "squashed"
CROPPED: Final = "cropped"
_CENTRE_CROP = "centre crop"


@dataclass(frozen=True, slots=True)
class SourcedImage:
    """One training image: where it comes from, what it shows, and how its frame was made square.

    `data_set` and `path` name the file, `sha256` its bytes; `label` is 0 benign, 1 malignant; `diagnosis` a
    short name (nv, mel, bcc …), empty where not told; `source` one of SOURCES; `group` is alike for all
    images of a lesion or patient, across sets; `frame` is `squashed` or `cropped`; `isic_id` is empty where
    not known.
    """

    data_set: str
    path: str
    sha256: str
    label: int
    diagnosis: str
    source: str
    group: str
    frame: str
    isic_id: str = ""

    @property
    def key(self) -> str:
        """Return the set and the path in one, unique."""
        return f"{self.data_set}/{self.path}"


def read_sourced_images(root: Path | None = None) -> list[SourcedImage]:
    """Return the training images of SOURCED_SETS below the data root `root`, by set and path.

    Groups join what the tables know to be one lesion: near duplicates, a lesion's id in whichever sets it
    stands, and the groups of extra-train-2. Raises DataError when a set or a table is missing.
    """
    folder = root or find_data_root("")
    crosswalk = _read_keyed(folder / PAPER_SET / "fanconi_isic2019_crosswalk.csv")
    rows = _read_keyed(folder / ARCHIVES_SET / "metadata.csv")
    paper = [record for record in read_records(folder / PAPER_SET) if record.split == "train"]
    images = [_place_paper(record, crosswalk.get(record.path)) for record in paper]
    images += [_place_extra(record) for record in read_extra_records(folder / EXTRA_SET)]
    digests = read_manifest(folder / ARCHIVES_SET)
    images += [_place_archived(path, row, digests.get(path, "")) for path, row in rows.items()]
    lesions = {f"{PAPER_SET}/{path}": row["lesion_id"] for path, row in crosswalk.items()}
    lesions |= {f"{ARCHIVES_SET}/{path}": row["lesion_id"] for path, row in rows.items()}
    return sorted(_join_groups(images, lesions), key=lambda image: image.key)


def count_images(images: Iterable[SourcedImage]) -> dict[str, tuple[int, int]]:
    """Return (benign, malignant) of each source in `images`, in the order of SOURCES."""
    counts = Counter((image.source, image.label) for image in images)
    return {name: (counts[name, 0], counts[name, 1]) for name in SOURCES if counts[name, 0] + counts[name, 1]}


def balance_weights(images: Sequence[SourcedImage], *, most: float = 4.0) -> NDArray[np.float64]:
    """Return the weight of each image, float64 (n,), mean 1, under which no source tells the class.

    Within each source of each set, prepared alike, both classes weigh the same, as much together as the square
    root of the smaller class: a source weighs no more than it teaches. Where such a part has one class only (the
    paper's malignant of MSK, and unnamed ones), the other class of the same set outweighs it. No image weighs more than
    `most` times the mean. Each class weighs half in all. Raises DataError when a class is missing.
    """
    labels = np.array([image.label for image in images])
    if set(labels.tolist()) != {0, 1}:
        raise DataError(f"Expected images of both classes, received {Counter(labels.tolist())}.")
    sets = np.array([image.data_set for image in images])
    parts = np.array([f"{image.data_set}/{image.source}" for image in images])
    weights = np.zeros(len(images))
    for part in sorted(set(parts.tolist())):
        own = parts == part
        counts = [int((own & (labels == label)).sum()) for label in (0, 1)]
        for label in (0, 1):
            chosen = own & (labels == label)
            if not chosen.any():
                chosen = (sets == part.partition("/")[0]) & (labels == label)
            if chosen.any():
                weights[chosen] += (min(counts) or max(counts)) ** 0.5 / chosen.sum()
    for label in (0, 1):
        weights[labels == label] /= weights[labels == label].sum() * 2 / len(images)
    weights = np.minimum(weights, most)
    for label in (0, 1):  # what the bound took goes back to the class, so that each still weighs half
        weights[labels == label] *= len(images) / 2 / weights[labels == label].sum()
    result: NDArray[np.float64] = weights
    return result


def read_repeated_lesions(root: Path | None = None) -> dict[str, frozenset[str]]:
    """Return the test images whose lesion is also in train although no duplicate was found, by set.

    Keys are `fanconi-isic` (98, of them 72 among the 602 "clean" ones) and `ham10000-subset` (27); values are
    paths in the set. Found by ISIC's lesion ids (crosswalk.md of fanconi-isic).
    """
    folder = (root or find_data_root("")) / PAPER_SET
    return {
        PAPER_SET: frozenset(_read_keyed(folder / "fanconi_test_same_lesion_as_train.csv")),
        "ham10000-subset": frozenset(
            _read_keyed(folder / "ham10000-subset_same_lesion_as_fanconi_train.csv")
        ),
    }


def _place_paper(record: ImageRecord, row: Mapping[str, str] | None) -> SourcedImage:
    source, identity, diagnosis = UNNAMED, "", "nv" if record.label == 0 else ""
    if row is not None:
        identity = row["isic_id"]
        source = HAM10000 if row["archive"] == "HAM10000" else place_id(identity)
        diagnosis = row["isic2019_class"].lower()
    return SourcedImage(
        record.data_set,
        record.path,
        record.sha256,
        record.label,
        diagnosis,
        source,
        f"{PAPER_SET}/{record.group}",
        SQUASHED,
        identity,
    )


def _place_extra(record: ImageRecord) -> SourcedImage:
    return SourcedImage(
        record.data_set,
        record.path,
        record.sha256,
        record.label,
        record.diagnosis,
        HAM10000,
        record.group,
        CROPPED,
        Path(record.path).stem,
    )


def _place_archived(path: str, row: Mapping[str, str], sha256: str) -> SourcedImage:
    if row["label"] not in LABELS or not sha256:
        raise DataError(f"{path}: expected a label and a line in the manifest, received {row['label']!r}.")
    return SourcedImage(
        ARCHIVES_SET,
        path,
        sha256,
        LABELS.index(row["label"]),
        "" if row["dx"] == "benign_unspecified" else row["dx"],
        ISIC_2020 if row["archive"] == "ISIC 2020" else place_id(row["isic_id"]),
        f"{ARCHIVES_SET}/{row['group']}",
        CROPPED if row["frame"] == _CENTRE_CROP else SQUASHED,
        row["isic_id"],
    )


def place_id(isic_id: str) -> str:
    """Return the source of an image of the ISIC challenges of 2016 to 2018 by its id; raises DataError."""
    digits = isic_id.removeprefix("ISIC_")
    if not digits.isdecimal():
        raise DataError(f"Expected an id such as ISIC_0012345, received {isic_id!r}.")
    number = int(digits)
    if number in _HAM_IDS:
        return HAM10000
    return UDA if number < _UDA_IDS_BELOW else MSK


def _join_groups(images: Sequence[SourcedImage], lesions: Mapping[str, str]) -> list[SourcedImage]:
    """Return `images` with the first key of its connected component as each one's group."""
    first: dict[tuple[str, str], str] = {}
    pairs = [
        (first.setdefault(name, image.key), image.key)
        for image in images
        for name in (("group", image.group), ("lesion", lesions.get(image.key, "")))
        if name[1]
    ]
    groups = group_paths((image.key for image in images), pairs)
    return [replace(image, group=groups[image.key]) for image in images]


def _read_keyed(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        raise DataError(
            f"Expected the table {path.name} in {path.parent}, received none. "
            f"Set DERMAPORT_DATA to the folder that holds the image sets."
        )
    with path.open(newline="", encoding="utf-8") as stream:
        return {row["path"]: row for row in csv.DictReader(stream)}


# --- Which images are held out


@dataclass(frozen=True, slots=True)
class HoldOut:
    """What one training run leaves out: bool (n,) of the images, by what it is called.

    `held_out` is not learned from; `judged` of it is what figures are taken on.
    """

    name: str
    held_out: NDArray[np.bool_]
    judged: NDArray[np.bool_]


def list_source_hold_outs(images: Sequence[SourcedImage], *, folds: int = 5) -> list[HoldOut]:
    """Return the hold-outs by source, in the order of HOLD_OUTS.

    Lesions that stand in a source left out stay away whole, whatever source their other images have.
    `unnamed` has malignant images alone: they are judged beside the benign of the paper's set, a fifth of
    whose lesions is left out with them; the two differ by archive too, so that figure counts nowhere.
    """
    sources = np.array([image.source for image in images])
    labels = np.array([image.label for image in images])
    result = []
    for name, left_out in HOLD_OUTS.items():
        judged = np.isin(sources, left_out)
        if not judged.any():
            continue
        if len(set(labels[judged].tolist())) == 1:
            beside = np.array([image.data_set == PAPER_SET for image in images]) & ~judged
            beside &= labels != labels[judged][0]
            judged |= beside & (_deal_groups(images, folds) == 0)
        groups = {image.group for image, held in zip(images, judged, strict=True) if held}
        held_out = np.array([image.group in groups for image in images])
        result.append(HoldOut(name, held_out, judged))
    return result


def list_lesion_hold_outs(images: Sequence[SourcedImage], *, folds: int = 5) -> list[HoldOut]:
    """Return `folds` hold-outs, `fold-0` and on, each image in one and lesions whole."""
    dealt = _deal_groups(images, folds)
    return [HoldOut(f"fold-{fold}", dealt == fold, dealt == fold) for fold in range(folds)]


def drop_seen(
    hold_outs: Sequence[HoldOut], images: Sequence[SourcedImage], seen: Sequence[str]
) -> list[HoldOut]:
    """Return the hold-outs without judged images of the sets `seen`; those left without a class are dropped.

    A start that has learned from a set says nothing of it as an unseen one.
    """
    unseen = np.array([image.data_set not in seen for image in images])
    labels = np.array([image.label for image in images])
    fresh = [replace(each, judged=each.judged & unseen) for each in hold_outs]
    return [each for each in fresh if len(set(labels[each.judged].tolist())) == 2]


def _deal_groups(images: Sequence[SourcedImage], folds: int) -> NDArray[np.int64]:
    return deal_groups(
        [image.group for image in images], [(image.source, image.label) for image in images], folds
    )
