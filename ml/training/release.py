"""Release of a trained network: calibration, policy, the `.h5` file, its specification and figures."""

import logging
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.datasets.records import EXTRA_SET, PAPER_SET, ImageRecord, load_pixels, read_labels
from ml.datasets.sources import ARCHIVES_SET
from ml.digests import digest_file
from ml.evaluation.metrics import format_figures, measure_all
from ml.serving.calibration import Calibration
from ml.serving.policy import DecisionPolicy
from ml.serving.prediction import BATCH_SHAPES, Predictor
from ml.serving.specification import ModelSpecification
from ml.training.batches import split_batches
from ml.training.fitting import fit_platt, fit_policy

if TYPE_CHECKING:
    import keras


_HAM10000_SHARE = {
    PAPER_SET: "at least 1,574 of the paper's 3,297",
    EXTRA_SET: "all of ham10000-extra-train",
}
_ARCHIVES = (
    "; ISIC 2016 to 2020 of extra-train-2 (CC-0 and CC BY-NC 4.0; Codella et al. 2018, Rotemberg et al. 2021)"
)


@dataclass(frozen=True, slots=True)
class ScoredImages:
    """Raw P(malignant) as float64 (n,) and labels (n,), 1 = malignant."""

    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]


def describe_licence(data_sets: Sequence[str]) -> str:
    """Return the licence of weights trained on `data_sets`, with what each owes to HAM10000.

    HAM10000 is CC BY-NC 4.0 (Tschandl, Rosendahl, Kittler 2018, Scientific Data 5, 180161).
    """
    shares = " and ".join(share for name, share in _HAM10000_SHARE.items() if name in data_sets)
    archives = _ARCHIVES if ARCHIVES_SET in data_sets else ""
    return (
        f"CC BY-NC 4.0, non-commercial use only: the training images are ISIC Archive images, {shares} "
        f"HAM10000 (CC BY-NC 4.0; Tschandl, Rosendahl, Kittler 2018){archives}, to be attributed to the ISIC "
        "Archive. "
        "Not a medical device."
    )


def save_network(model: "keras.Model", path: Path) -> str:
    """Write architecture and weights as legacy HDF5, no optimizer state; returns the SHA-256.

    The file is written whole or not at all; raises OSError.
    """
    plain = type(model).from_config(model.get_config())
    plain.set_weights(model.get_weights())
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"partial-{path.name}")
    # Keras warns that HDF5 is its old format; here it is the format asked for.
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        plain.save(draft, include_optimizer=False)
    finally:
        logger.setLevel(level)
    draft.replace(path)
    return digest_file(path)


def fit_release(validation: ScoredImages, *, version: str) -> tuple[Calibration, DecisionPolicy]:
    """Fit Platt calibration, then the threshold policy, on held-out validation images.

    Raises `ml.serving.calibration.CalibrationError` or `ml.serving.policy.PolicyError`.
    """
    calibration = fit_platt(validation.probabilities, validation.labels)
    calibrated = calibration.apply(validation.probabilities)
    return calibration, fit_policy(calibrated, validation.labels, version=version)


def measure_parts(
    parts: Mapping[str, ScoredImages], calibration: Calibration, policy: DecisionPolicy
) -> dict[str, Any]:
    """Return `ml.evaluation.metrics.measure_all` of each part, by name, and what the intervals are."""
    figures = {
        name: measure_all(calibration.apply(part.probabilities), part.labels, policy)
        for name, part in parts.items()
    }
    intervals = "95 %: Wilson for shares; 2,000 bootstrap rounds within each class for AUC and ECE"
    return {**figures, "intervals": intervals}


def describe_versions() -> dict[str, str]:
    """Return the versions of what made the weights, by name."""
    import h5py
    import keras

    versions = {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "h5py": h5py.__version__,
        "numpy": np.__version__,
        "backend": keras.backend.backend(),
    }
    if versions["backend"] == "tensorflow":
        from tensorflow import __version__ as tensorflow_version

        versions["tensorflow"] = tensorflow_version
    return versions


def round_fields(row: Mapping[str, float]) -> dict[str, float]:
    """Return one row of a training history with six decimals."""
    return {key: round(value, 6) for key, value in row.items()}


# --- The last step of a training run


def finish_specification(
    draft: ModelSpecification,
    root: Path,
    parts: Mapping[str, Sequence[ImageRecord]],
    path: Path,
    fitted_on: ScoredImages | None = None,
) -> ModelSpecification:
    """Score every part as the worker would, calibrate, save the specification, print the figures.

    Calibration and policy are fitted on `fitted_on`, out-of-fold predictions of the same plan, or
    else on the part `validation`. Raises `ml.serving.calibration.CalibrationError`, `ml.serving.policy.PolicyError`
    and OSError.
    """
    predictor = Predictor(draft, path)
    scored = {name: _score(predictor, root, records) for name, records in parts.items()}
    if fitted_on is not None:
        scored = {"out_of_fold": fitted_on, **scored}
    calibration, policy = fit_release(
        fitted_on or scored["validation"], version=f"{draft.name}-{draft.version}-sensitivity-95"
    )
    metrics = measure_parts(scored, calibration, policy)
    values = {"calibration": calibration.to_dict(), "policy": policy.to_dict(), "metrics": metrics}
    specification = ModelSpecification.from_dict({**draft.to_dict(), **values})
    specification.save(path.with_suffix(".json"))
    print(format_figures({name: metrics[name] for name in scored}))
    print(
        f"Threshold {policy.threshold:.4f}, refer from {policy.refer_low:.4f} to "
        f"{policy.refer_high:.4f}, calibrated with {calibration.to_dict()}"
    )
    print(f"{path} and {path.with_suffix('.json')} written, SHA-256 {draft.sha256}")
    return specification


def finish_transfer(
    draft: ModelSpecification, root: Path, parts: Mapping[str, Sequence[ImageRecord]], path: Path
) -> ModelSpecification:
    """Measure a network that is already calibrated on `parts` as the worker would judge them, save its specification.

    Raises `ml.serving.prediction.PredictionError` and OSError.
    """
    predictor = Predictor(draft, path)
    calibration, policy = (
        Calibration.from_dict(draft.calibration),
        DecisionPolicy.from_dict(draft.policy),
    )
    scored = {name: _score(predictor, root, records) for name, records in parts.items()}
    metrics = measure_parts(scored, calibration, policy) if scored else {}
    specification = ModelSpecification.from_dict({**draft.to_dict(), "metrics": metrics})
    specification.save(path.with_suffix(".json"))
    if scored:
        print(format_figures({name: metrics[name] for name in scored}))
    print(f"{path} and {path.with_suffix('.json')} written, SHA-256 {draft.sha256}")
    return specification


def _score(predictor: Predictor, root: Path, records: Sequence[ImageRecord]) -> ScoredImages:
    size = predictor.specification.input_size
    pixels = load_pixels(root, records, size)
    order = np.arange(len(records))
    batches = split_batches(order, BATCH_SHAPES[-1])
    total = -(-len(records) // BATCH_SHAPES[-1])
    raw = [
        predictor.predict(list(pixels[indices]))
        for indices in tqdm(batches, desc="Scoring", total=total, unit="batch", leave=False)
    ]
    return ScoredImages(np.concatenate(raw), read_labels(records))
