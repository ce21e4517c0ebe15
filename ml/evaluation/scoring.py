"""Batch scoring of a folder of images, exactly as the portal's worker judges them."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from tqdm import tqdm

from ml.datasets.records import LABELS
from ml.digests import digest_bytes
from ml.imaging.errors import UndecodableImageError
from ml.imaging.inputs import build_input
from ml.serving.calibration import Calibration
from ml.serving.policy import DecisionPolicy
from ml.serving.prediction import BATCH_SHAPES, Predictor

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".bmp"})


class EvaluationError(ValueError):
    """The folder holds nothing to evaluate."""


@dataclass(frozen=True, slots=True)
class ScoredImage:
    """One row of the report.

    `path` is relative to the folder; `sha256` is of the file's bytes; `label` is benign,
    malignant or empty; `probability` is the raw P(malignant) and `calibrated_probability` the
    calibrated one, both in [0, 1], None when `outcome` is `rejected`; `outcome` is otherwise
    benign, malignant or refer; `error` is the code of the rejection or empty.
    """

    path: str
    sha256: str
    label: str
    probability: float | None
    calibrated_probability: float | None
    outcome: str
    error: str = ""


def find_images(folder: Path) -> list[tuple[str, str]]:
    """Return (relative path, label) of the images in `folder`, sorted by path.

    With subfolders `benign` and `malignant` the label is the subfolder's name; otherwise the
    images lie in `folder` itself and the label is empty. Raises EvaluationError when none is
    found.
    """
    labelled = [name for name in LABELS if (folder / name).is_dir()]
    found = [
        (f"{name}/{path.name}" if name else path.name, name)
        for name in labelled or [""]
        for path in sorted((folder / name).iterdir() if (folder / name).is_dir() else [])
        if path.is_file() and path.suffix.lower() in SUFFIXES
    ]
    if not found:
        raise EvaluationError(
            f"Expected images in {folder}, or in its subfolders benign and malignant, received none."
        )
    return found


def score_images(
    predictor: Predictor, folder: Path, entries: Sequence[tuple[str, str]]
) -> Iterator[ScoredImage]:
    """Yield one ScoredImage for each entry, in order; an undecodable image is `rejected`."""
    specification = predictor.specification
    calibration = Calibration.from_dict(specification.calibration)
    policy = DecisionPolicy.from_dict(specification.policy)
    size = BATCH_SHAPES[-1]
    with tqdm(total=len(entries), desc="Evaluating", unit="image") as bar:
        for start in range(0, len(entries), size):
            rows: list[ScoredImage] = []
            arrays = []
            for path, label in entries[start : start + size]:
                data = (folder / path).read_bytes()
                code = ""
                try:
                    arrays.append(build_input(data, specification.input_size))
                except UndecodableImageError as error:
                    code = error.code
                outcome = "rejected" if code else ""
                rows.append(ScoredImage(path, digest_bytes(data), label, None, None, outcome, code))
            measured = predictor.measure(arrays)
            distances = [None] * len(arrays) if measured.distances is None else measured.distances.tolist()
            found = iter(zip(measured.probabilities.tolist(), distances, strict=True))
            for row in rows:
                yield row if row.error else _finish(row, *next(found), calibration, policy)
            bar.update(len(rows))


def _finish(
    row: ScoredImage, raw: float, distance: float | None, calibration: Calibration, policy: DecisionPolicy
) -> ScoredImage:
    calibrated = float(calibration.apply([raw])[0])
    outcome = policy.outcome(calibrated, distance)
    return ScoredImage(row.path, row.sha256, row.label, raw, calibrated, outcome)


def write_predictions(path: Path, rows: Sequence[ScoredImage]) -> None:
    """Write `rows` as CSV with full precision, whole or not at all; raises OSError."""
    names = [item.name for item in fields(ScoredImage)]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".partial")
    with draft.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        for row in rows:
            values = [getattr(row, name) for name in names]
            writer.writerow("" if value is None else value for value in values)
    draft.replace(path)
