"""Cross-validation of a training plan, never with one lesion on both sides: what it says of unseen lesions."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets.records import PAPER_SET, DataError, ImageRecord, deal_groups, read_labels
from ml.evaluation.metrics import measure_auc
from ml.imaging.views import average_views, change_view
from ml.training.checkpoints import Progress
from ml.training.data import TrainingData
from ml.training.plans import TrainingPlan
from ml.training.release import round_fields
from ml.training.run import score_pixels, train_network

if TYPE_CHECKING:
    import keras


def assign_folds(records: Sequence[ImageRecord], folds: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Return the fold, int64 (n,) in [0, folds), in which each train record is held out.

    Whole groups only; each class is dealt, in an order set by the hash of `seed` and the group's
    name, to the fold that has fewest of its set and class so far. Records of another split give
    DataError, as do fewer than two folds.
    """
    if folds < 2:
        raise DataError(f"Expected at least 2 folds, received {folds}.")
    if any(record.split != "train" for record in records):
        raise DataError("Expected train records only: the test split is for the final report.")
    kinds = [(record.data_set, record.label) for record in records]
    return deal_groups([record.group for record in records], kinds, folds, seed=seed)


COLUMNS = ("data_set", "path", "label", "group", "fold", "probability")


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One fold: `indices` int64 (n,) of the images held out, their raw P(malignant) float64 (n,)."""

    fold: int
    indices: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    progress: Progress


def run_fold(
    plan: TrainingPlan,
    data: TrainingData,
    folds: NDArray[np.int64],
    fold: int,
    folder: Path,
    *,
    views: Sequence[str],
    weights: Path | None = None,
) -> HeldOut:
    """Train on every fold but `fold` and judge that one, each image averaged over `views`.

    The held-out images of the paper's set are scored after each epoch for the curves only: with
    `keep_best` false nothing is chosen on them. Resumes from `folder`.
    """
    held_out = folds == fold
    validation = data.select(held_out & data.is_of(PAPER_SET))
    model, progress = train_network(
        plan, data.select(~held_out), validation, folder / f"fold-{fold}", weights=weights
    )
    indices = np.flatnonzero(held_out)
    return HeldOut(fold, indices, score_views(model, plan, data.pixels[indices], views), progress)


def score_views(
    model: "keras.Model", plan: TrainingPlan, pixels: NDArray[np.uint8], views: Sequence[str]
) -> NDArray[np.float64]:
    """Return raw P(malignant), float64 (n,), of uint8 images (n, size, size, 3) over `views`."""
    return average_views(np.stack([score_pixels(model, plan, change_view(pixels, view)) for view in views]))


def summarise(data: TrainingData, results: Sequence[HeldOut], seconds: float) -> dict[str, Any]:
    """Return accuracy, AUC and log loss of the held-out images, in all and by fold and set."""
    labels = read_labels(data.records)
    own = data.is_of(PAPER_SET)
    indices = np.concatenate([result.indices for result in results])
    p = np.concatenate([result.probabilities for result in results])
    return {
        "seconds": round(seconds),
        "figures": _measure(p[own[indices]], labels[indices][own[indices]]),
        "all_sets": _measure(p, labels[indices]),
        "by_fold": [
            {"fold": r.fold, **_measure(r.probabilities[own[r.indices]], labels[r.indices][own[r.indices]])}
            for r in results
        ],
        "history": [[round_fields(_on_held_out(row)) for row in r.progress.history] for r in results],
    }


def _on_held_out(row: dict[str, float]) -> dict[str, float]:
    return {key: value for key, value in row.items() if key != "loss"}


def _measure(p: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, float]:
    inside = np.clip(p, 1e-7, 1 - 1e-7)
    loss = -np.mean(labels * np.log(inside) + (1 - labels) * np.log1p(-inside))
    figures = {"accuracy": float(np.mean((p >= 0.5) == (labels == 1))), "log_loss": float(loss)}
    return {"images": len(p), **round_fields({**figures, "auc": measure_auc(p, labels)})}


def write_results(
    folder: Path, name: str, summary: dict[str, Any], data: TrainingData, results: Sequence[HeldOut]
) -> None:
    """Write `name`.json (plan and figures) and `name`.csv (every held-out image) to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    rows = sorted(
        (index, result.fold, value)
        for result in results
        for index, value in zip(result.indices.tolist(), result.probabilities.tolist(), strict=True)
    )
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for index, fold, value in rows:
            record = data.records[index]
            writer.writerow((record.data_set, record.path, record.label, record.group, fold, f"{value:.7f}"))


def read_out_of_fold(path: Path, data_sets: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return (raw P(malignant), labels) of the held-out images of `data_sets`.

    `path`: a file of `write_results`. With every set that the network learns from, what the policy
    promises of the malignant it promises of all the diagnoses that the network knows. Raises
    ValueError when there is no such image.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["data_set"] in data_sets]
    if not rows:
        raise ValueError(
            f"Expected held-out images of {' or '.join(data_sets)} in {path.name}, received none."
        )
    return (
        np.array([float(row["probability"]) for row in rows]),
        np.array([int(row["label"]) for row in rows], dtype=np.int64),
    )
