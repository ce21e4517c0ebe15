"""`python -m ml train`: from the paper's images to a `.h5` file and its specification."""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml.architectures import find_architecture
from ml.augmentation import AUGMENTATIONS
from ml.checkpoints import Progress
from ml.commands.table import format_figures
from ml.data import (
    ImageRecord,
    find_data_root,
    load_pixels,
    read_labels,
    read_records,
    split_validation,
)
from ml.device import configure_devices
from ml.prediction import BATCH_SHAPES, Predictor
from ml.release import (
    LICENCE,
    ScoredImages,
    describe_versions,
    fit_release,
    measure_parts,
    round_fields,
    save_network,
)
from ml.specification import ModelSpecification
from ml.training import LabelledPixels, TrainingPlan, split_batches, train_network

_PROVISIONAL_POLICY = {"version": "none", "threshold": 0.5, "refer_low": 0.5, "refer_high": 0.5}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    plan = TrainingPlan()
    parser.add_argument("--data", type=Path, help="the image set (default fanconi-isic)")
    parser.add_argument("--output", type=Path, default=Path("ml/weights/paper-cnn-2.h5"))
    parser.add_argument("--folder", type=Path, default=Path("var/training/paper-cnn-2"), help="checkpoints")
    parser.add_argument("--restart", action="store_true", help="forget the folder's checkpoint")
    parser.add_argument("--architecture", default=plan.architecture)
    parser.add_argument("--input-size", type=int, help="pixels (default the architecture's)")
    parser.add_argument("--epochs", type=int, default=plan.epochs)
    parser.add_argument("--learning-rate", type=float, default=plan.learning_rate)
    parser.add_argument("--augmentation", choices=AUGMENTATIONS, default=plan.augmentation)
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--version", default="1.0.0", help="version of the network")
    parser.add_argument(
        "--without-test", action="store_true", help="leave the test images alone: for comparing plans"
    )


def run(options: argparse.Namespace) -> int:
    """Train, calibrate, write both files and print the figures; returns the exit status."""
    architecture = find_architecture(options.architecture)
    plan = TrainingPlan(
        architecture=architecture.name,
        input_size=options.input_size or architecture.input_size,
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        augmentation=options.augmentation,
        seed=options.seed,
    )
    root = options.data or find_data_root()
    records = read_records(root)
    train, validation = split_validation(records, fraction=plan.validation_fraction, seed=plan.seed)
    print(f"{plan.architecture} on {configure_devices()}")
    print(f"{len(train)} training and {len(validation)} validation images of {root.name}")
    if options.restart and options.folder.exists():
        shutil.rmtree(options.folder)
    model, progress = train_network(
        plan, _load(root, train, plan), _load(root, validation, plan), options.folder
    )
    sha256 = save_network(model, options.output)
    specification = ModelSpecification(
        name=plan.architecture,
        version=options.version,
        file=options.output.name,
        sha256=sha256,
        architecture=plan.architecture,
        parameters=model.count_params(),
        input_height=plan.input_size,
        input_width=plan.input_size,
        scaling=architecture.scaling,
        classes=("benign", "malignant"),
        calibration={"method": "identity"},
        policy=_PROVISIONAL_POLICY,
        licence=LICENCE,
        training=_describe_training(root, plan, progress, len(train), len(validation)),
    )
    parts = {"train": train, "validation": validation}
    if not options.without_test:
        parts["test"] = [record for record in records if record.split == "test"]
        parts["test_clean"] = [record for record in parts["test"] if record.clean]
    finish_specification(specification, root, parts, options.output)
    return 0


def finish_specification(
    draft: ModelSpecification, root: Path, parts: dict[str, list[ImageRecord]], path: Path
) -> None:
    """Score every part as the worker would, fit on validation, save and print the rest."""
    predictor = Predictor(draft, path)
    scored = {name: _score(predictor, root, records) for name, records in parts.items()}
    calibration, policy = fit_release(
        scored["validation"], version=f"{draft.name}-{draft.version}-sensitivity-95"
    )
    metrics = measure_parts(scored, calibration, policy)
    values = {
        "calibration": calibration.to_dict(),
        "policy": policy.to_dict(),
        "metrics": metrics,
    }
    specification = ModelSpecification.from_dict({**draft.to_dict(), **values})
    specification.save(path.with_suffix(".json"))
    print(format_figures({name: metrics[name] for name in parts}))
    print(
        f"Threshold {policy.threshold:.4f}, refer from {policy.refer_low:.4f} to "
        f"{policy.refer_high:.4f}, calibrated with {calibration.to_dict()}"
    )
    print(f"{path} and {path.with_suffix('.json')} written, SHA-256 {draft.sha256}")


def _load(root: Path, records: Sequence[ImageRecord], plan: TrainingPlan) -> LabelledPixels:
    size = (plan.input_size, plan.input_size)
    return LabelledPixels(load_pixels(root, records, size), read_labels(records))


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


def _describe_training(
    root: Path, plan: TrainingPlan, progress: Progress, n_train: int, n_validation: int
) -> dict[str, object]:
    return {
        "data": root.name,
        "split": "train split only; lesions kept whole between training and validation",
        "training_images": n_train,
        "validation_images": n_validation,
        "plan": plan.to_dict(),
        "seed": plan.seed,
        "epochs": len(progress.history),
        "best_epoch": progress.best_epoch,
        "history": [round_fields(row) for row in progress.history],
        "versions": describe_versions(),
        "device": configure_devices(),
    }
