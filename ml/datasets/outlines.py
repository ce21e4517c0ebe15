"""Pictures with an expert's outline: isic2017-segmentation, its masks, lesions and folds.

200 dermoscopic images of the ISIC 2017 challenge (Codella et al. 2018, "Skin lesion analysis toward melanoma
detection"), 100 melanomas and 100 benign, each with a mask drawn by an expert. No other masks are at hand, so
figures come from cross-validation: five folds of lesions, each image outlined once by a network that never saw
its lesion. No image is left to choose on, so nothing is chosen: epochs and threshold are set beforehand.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.datasets.records import (
    LABELS,
    PAPER_SET,
    DataError,
    deal_groups,
    find_data_root,
    read_manifest,
    read_records,
)
from ml.digests import digest_bytes
from ml.imaging.inputs import build_input

OUTLINE_SET: Final = "isic2017-segmentation"
FOLDS: Final = 5
_COLUMNS = ("path", "mask", "label", "image_id", "fanconi_match", "fanconi_nearest_sift")


@dataclass(frozen=True, slots=True)
class OutlinedImage:
    """One picture and the expert's mask of its lesion.

    `path` and `mask` are relative to the set's folder, `sha256` and `mask_sha256` of its manifest; `label` is 0
    benign, 1 malignant; `lesion` is alike for all images known to show one lesion.
    """

    path: str
    mask: str
    sha256: str
    mask_sha256: str
    label: int
    image_id: str
    lesion: str


def read_outlined_images(root: Path | None = None) -> list[OutlinedImage]:
    """Return the images of OUTLINE_SET below the data root `root`, by path.

    Images that match the same lesion of fanconi-isic (14 are flagged, by SIFT) are one lesion; every other one is
    a lesion of its own. Raises DataError when the set or a column is missing.
    """
    data = root or find_data_root("")
    folder = data / OUTLINE_SET
    try:
        with (folder / "metadata.csv").open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except OSError as error:
        raise DataError(
            f"Expected the table metadata.csv in {OUTLINE_SET}, received: {error.strerror}. "
            "Set DERMAPORT_DATA to the folder that holds the image sets."
        ) from error
    missing = [name for name in _COLUMNS if rows and name not in rows[0]]
    if not rows or missing:
        raise DataError(f"{OUTLINE_SET}/metadata.csv: expected {', '.join(_COLUMNS)}, received no {missing}.")
    digests = read_manifest(folder)
    groups = {record.path: record.group for record in read_records(data / PAPER_SET)}
    images = [
        OutlinedImage(
            row["path"],
            row["mask"],
            digests[row["path"]],
            digests[row["mask"]],
            LABELS.index(row["label"]),
            row["image_id"],
            groups[row["fanconi_nearest_sift"]] if row["fanconi_match"] else row["image_id"],
        )
        for row in rows
    ]
    return sorted(images, key=lambda image: image.path)


def deal_folds(images: Sequence[OutlinedImage], folds: int = FOLDS) -> NDArray[np.int64]:
    """Return the fold, int64 (n,) in [0, folds), in which each image is held out: whole lesions, classes evenly."""
    return deal_groups([i.lesion for i in images], [(OUTLINE_SET, i.label) for i in images], folds)


def load_outlined_pixels(
    images: Sequence[OutlinedImage], side: int, root: Path | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Decode `images`: pixels uint8 (n, side, side, 3) and masks float32 (n, side, side), share of lesion 0 to 1.

    Both are squashed to a square, as the network sees every picture. Raises DataError for a file that is not the
    manifest's.
    """
    folder = (root or find_data_root("")) / OUTLINE_SET
    pixels = np.empty((len(images), side, side, 3), dtype=np.uint8)
    masks = np.empty((len(images), side, side), dtype=np.float32)
    for index, image in enumerate(images):
        pixels[index] = build_input(read_checked(folder / image.path, image.sha256), (side, side))
        drawn = Image.fromarray(read_mask(folder, image).astype(np.float32))
        masks[index] = np.asarray(drawn.resize((side, side), Image.Resampling.BOX))
    return pixels, masks


def read_mask(folder: Path, image: OutlinedImage) -> NDArray[np.bool_]:
    """Return the expert's mask of `image`, bool (height, width), as large as its picture; raises DataError."""
    read_checked(folder / image.mask, image.mask_sha256)
    with Image.open(folder / image.mask) as drawn:
        return np.asarray(drawn.convert("L")) >= 128


def read_checked(path: Path, sha256: str) -> bytes:
    """Return the bytes of the file at `path`; raises DataError when they are not those of `sha256`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"Expected the file {path.name}, received: {error.strerror}.") from error
    if (received := digest_bytes(data)) != sha256:
        raise DataError(f"{path.name}: expected SHA-256 {sha256}, received {received}.")
    return data
