"""The last step of a training run: what the saved network says, calibrated and measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml.datasets.records import ImageRecord, load_pixels, read_labels
from ml.evaluation.table import format_figures
from ml.serving.prediction import BATCH_SHAPES, Predictor
from ml.serving.specification import ModelSpecification
from ml.training.batches import split_batches
from ml.training.release import ScoredImages, fit_release, measure_parts


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
