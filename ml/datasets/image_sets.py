"""Labelled image sets that the networks are measured on: what is in each, and what each image shows."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ml.datasets.records import LABELS, PAPER_SET, DataError, find_data_root, read_records
from ml.digests import digest_file

# The International Skin Imaging Collaboration's short names, as in HAM10000 (Tschandl 2018).
DIAGNOSES = {
    "nevus": "nv",
    "nev": "nv",
    "melanoma": "mel",
    "basal cell carcinoma": "bcc",
    "squamous cell carcinoma": "scc",
    "solar lentigo": "bkl",
}
SEEN = {
    "fanconi-isic": frozenset({"nv", "mel"}),
    "ham10000-extra-train": frozenset({"nv", "bkl", "df", "vasc", "bcc", "akiec"}),
}
_SITES = {"unknown": "", "": ""}


@dataclass(frozen=True, slots=True)
class SetImage:
    """One labelled image of a set.

    `path` is relative to the set's folder and `sha256` the one in its manifest; `label` is benign
    or malignant; `diagnosis` is a short name (nv, mel, bcc …) or empty; `lesion` names the lesion,
    alike for all its images; `age` in years, `sex` male or female, `site` and `skin_type`
    (Fitzpatrick, 1 to 6) are empty where not recorded. `tags`: `clean` for a test image without a
    near duplicate in train, `unseen` for one of these whose lesion is nowhere in train by ISIC's
    ids either, `ham10000` for one recognised as that archive's, `repeats_train` for one of another
    set that shows a lesion of the paper's train split.
    """

    path: str
    sha256: str
    label: str
    diagnosis: str = ""
    lesion: str = ""
    age: str = ""
    sex: str = ""
    site: str = ""
    skin_type: str = ""
    tags: str = ""


@dataclass(frozen=True, slots=True)
class ImageSet:
    """A set by name: the `folder` below the data root it lies in, and what to say about it."""

    name: str
    folder: str
    title: str
    note: str

    def find_root(self) -> Path:
        """Return the set's folder under `DERMAPORT_DATA`, existing or not."""
        return find_data_root(self.folder)

    def digest_manifest(self) -> str:
        """Return the SHA-256 of the set's list of files; raises DataError when it is missing."""
        path = self.find_root() / "manifest.sha256"
        if not path.is_file():
            raise DataError(
                f"Expected {path.name} in {path.parent}, received none. "
                f"Set DERMAPORT_DATA to the folder that holds the image sets."
            )
        return digest_file(path)

    def read_images(self) -> list[SetImage]:
        """Return the set's images, sorted by path; raises DataError when its tables are wrong."""
        self.digest_manifest()
        root = self.find_root()
        images = _READERS[self.name](root, _read_manifest(root))
        wrong = [image.path for image in images if image.label not in LABELS]
        if wrong or not images:
            raise DataError(f"{self.name}: expected benign or malignant images, received {wrong[:1]}.")
        return sorted(images, key=lambda image: image.path)


SETS = {
    item.name: item
    for item in (
        ImageSet(
            "fanconi-test",
            "fanconi-isic",
            "The paper's 660 test images",
            "ISIC Archive, 360 benign and 300 malignant; 130 show a lesion that is also in train",
        ),
        ImageSet(
            "ham10000-subset",
            "ham10000-subset",
            "HAM10000, other lesions",
            "Vienna and Queensland; one image a lesion, seven diagnoses; same archive as much of train; without "
            "27 melanomas that repeat a lesion of the paper's train split",
        ),
        ImageSet(
            "isic2017-segmentation",
            "isic2017-segmentation",
            "ISIC 2017",
            "without the 14 whose lesion is in the paper's set",
        ),
        ImageSet(
            "isic-archive-dermoscopic",
            "isic-archive-mixed",
            "ISIC Archive, later uploads, dermoscopic",
            "nearly all benign from Basel (repeated shots), most malignant from Buenos Aires and "
            "Sydney: each class is read alone",
        ),
        ImageSet(
            "isic-archive-clinical",
            "isic-archive-mixed",
            "ISIC Archive, later uploads, clinical overviews",
            "not dermoscopic: a kind of picture no network here was trained on",
        ),
        ImageSet(
            "pad-ufes-20-smartphone",
            "pad-ufes-20-smartphone",
            "PAD-UFES-20, smartphone photographs",
            "not dermoscopic: a kind of picture no network here was trained on; one malignant",
        ),
    )
}


def find_set(name: str) -> ImageSet:
    """Return the set called `name`; raises DataError when there is none."""
    if name not in SETS:
        raise DataError(f"Expected an image set among {', '.join(SETS)}, received {name!r}.")
    return SETS[name]


def list_training_sets(training: Mapping[str, object]) -> list[str]:
    """Return the names of the sets in a specification's `training` record; empty when not told."""
    data = training.get("data", [])
    return [data] if isinstance(data, str) else [str(name) for name in data] if isinstance(data, list) else []


def find_seen_diagnoses(training_sets: list[str]) -> frozenset[str]:
    """Return the diagnoses that a network trained on these sets has seen; unknown sets add none."""
    return frozenset().union(*(SEEN.get(name, frozenset()) for name in training_sets))


def _read_fanconi(root: Path, sha256: Mapping[str, str]) -> list[SetImage]:
    crosswalk = {row["path"]: row for row in _read_table(root / "ham10000_crosswalk.csv")}
    repeated = {row["path"] for row in _read_table(root / "fanconi_test_same_lesion_as_train.csv")}
    images = []
    for record in read_records(root):
        if record.split != "test":
            continue
        row = crosswalk.get(record.path, {})
        tags = [
            *(["clean"] if record.clean else []),
            *(["unseen"] if record.clean and record.path not in repeated else []),
            *(["ham10000"] if row else []),
        ]
        images.append(
            SetImage(
                record.path,
                sha256[record.path],
                LABELS[record.label],
                row.get("dx", ""),
                record.group,
                *_read_person(row, "sex", "localization"),
                tags=" ".join(tags),
            )
        )
    return images


def _read_ham10000(root: Path, sha256: Mapping[str, str]) -> list[SetImage]:
    table = root.parent / PAPER_SET / "ham10000-subset_same_lesion_as_fanconi_train.csv"
    repeated = {row["path"] for row in _read_table(table)}
    return [
        SetImage(
            row["path"],
            sha256[row["path"]],
            row["label"],
            row["dx"],
            row["lesion_id"],
            *_read_person(row, "sex", "localization"),
            tags="repeats_train" if row["path"] in repeated else "",
        )
        for row in _read_table(root / "metadata.csv")
    ]


def _read_isic2017(root: Path, sha256: Mapping[str, str]) -> list[SetImage]:
    return [
        SetImage(
            row["path"],
            sha256[row["path"]],
            row["label"],
            "mel" if float(row["melanoma"]) else "bkl" if float(row["seborrheic_keratosis"]) else "nv",
            row["image_id"],
        )
        for row in _read_table(root / "metadata.csv")
        if not row["fanconi_match"]
    ]


def _read_archive(root: Path, sha256: Mapping[str, str], modality: str) -> list[SetImage]:
    return [
        SetImage(
            row["path"],
            sha256[row["path"]],
            row["label"],
            DIAGNOSES.get(row["diagnosis"], ""),
            row["lesion_id"],
            row["age_approx"].removesuffix(".0"),
            row["sex"],
            row["anatom_site_general"],
        )
        for row in _read_table(root / "metadata.csv")
        if row["modality"] == modality
    ]


def _read_pad_ufes(root: Path, sha256: Mapping[str, str]) -> list[SetImage]:
    return [
        SetImage(
            row["path"],
            sha256[row["path"]],
            row["label"],
            DIAGNOSES.get(row["diagnostic"].lower(), row["diagnostic"].lower()),
            row["lesion_id"],
            row["age"],
            row["gender"].lower(),
            row["region"].lower(),
            row["fitspatrick"].removesuffix(".0"),
        )
        for row in _read_table(root / "metadata.csv")
    ]


_READERS: dict[str, Callable[[Path, Mapping[str, str]], list[SetImage]]] = {
    "fanconi-test": _read_fanconi,
    "ham10000-subset": _read_ham10000,
    "isic2017-segmentation": _read_isic2017,
    "isic-archive-dermoscopic": lambda root, sha256: _read_archive(root, sha256, "dermoscopic"),
    "isic-archive-clinical": lambda root, sha256: _read_archive(root, sha256, "clinical"),
    "pad-ufes-20-smartphone": _read_pad_ufes,
}


def _read_person(row: Mapping[str, str], sex: str, site: str) -> tuple[str, str, str]:
    told = row.get(sex, "")
    place = row.get(site, "")
    return row.get("age", ""), told if told in ("male", "female") else "", _SITES.get(place, place)


def _read_manifest(root: Path) -> dict[str, str]:
    lines = (root / "manifest.sha256").read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, _, path in (line.partition("  ") for line in lines)}


def _read_table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise DataError(f"Expected the table {path.name} in {path.parent}, received none.")
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
