"""Batch scoring of a folder of images, exactly as the portal's worker judges them."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from tqdm import tqdm

from ml.datasets.records import LABELS
from ml.digests import digest_bytes
from ml.imaging.errors import UndecodableImageError
from ml.imaging.inputs import build_input
from ml.serving.calibration import Calibration
from ml.serving.diagnoses import NamedDiagnoses
from ml.serving.judging import diagnose
from ml.serving.policy import DecisionPolicy
from ml.serving.prediction import BATCH_SHAPES, Predictor
from ml.serving.specification import ModelSpecification

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".bmp"})


class EvaluationError(ValueError):
    """The folder holds nothing to evaluate."""


@dataclass(frozen=True, slots=True)
class ScoredImage:
    """One row of the report.

    `path` is relative to the folder; `sha256` is of the file's bytes; `label` is benign,
    malignant or empty; `probability` is the raw P(malignant) and `calibrated_probability` the
    calibrated one, both in [0, 1], None when `outcome` is `rejected`; `outcome` is otherwise
    benign, malignant or refer; `error` is the code of the rejection or empty. `diagnoses`: (class, probability in
    [0, 1]) of a network that names them, in the specification's order, as people are told; empty for others.
    """

    path: str
    sha256: str
    label: str
    probability: float | None
    calibrated_probability: float | None
    outcome: str
    error: str = ""
    diagnoses: tuple[tuple[str, float], ...] = ()


COLUMNS = tuple(item.name for item in fields(ScoredImage) if item.name != "diagnoses")
# Before the name of a class, in the head of a table of predictions.
CLASS_PREFIX = "p_"


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
            calibrated = calibration.apply(measured.probabilities)
            distances = [None] * len(arrays) if measured.distances is None else measured.distances.tolist()
            named = diagnose(specification, measured, calibrated)
            found = zip(measured.probabilities.tolist(), calibrated.tolist(), distances, named, strict=True)
            for row in rows:
                if row.error:
                    yield row
                    continue
                raw, figure, distance, diagnoses = next(found)
                yield replace(
                    row,
                    probability=raw,
                    calibrated_probability=figure,
                    outcome=policy.outcome(figure, distance),
                    diagnoses=_order_classes(diagnoses, specification) if diagnoses else (),
                )
            bar.update(len(rows))


def _order_classes(named: NamedDiagnoses, specification: ModelSpecification) -> tuple[tuple[str, float], ...]:
    shares = {one.name: one.probability for one in named.diagnoses}
    return tuple((name, shares[name]) for name in specification.classes)


def list_classes(rows: Iterable[ScoredImage]) -> tuple[str, ...]:
    """Return the names of the classes that `rows` tell, in their order; none where no row tells any."""
    return next((tuple(name for name, _ in row.diagnoses) for row in rows if row.diagnoses), ())


def write_predictions(path: Path, rows: Sequence[ScoredImage]) -> None:
    """Write `rows` as CSV with full precision, whole or not at all; raises OSError."""
    classes = list_classes(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".partial")
    with draft.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*COLUMNS, *(CLASS_PREFIX + name for name in classes)])
        for row in rows:
            shares = dict(row.diagnoses)
            values = [
                *(getattr(row, name) for name in COLUMNS),
                *(shares.get(name) for name in classes),
            ]
            writer.writerow("" if value is None else value for value in values)
    draft.replace(path)
