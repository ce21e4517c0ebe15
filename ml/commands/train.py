"""`python -m ml train`: from images to a `.h5` file and its specification."""

import argparse
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.commands.plan_options import add_plan_options, read_plan, read_views
from ml.datasets.records import find_data_root, read_records, split_validation
from ml.serving.device import configure_devices
from ml.serving.specification import FIRST_VERSION, OUT_OF_FOLD, ModelSpecification
from ml.training.checkpoints import Progress
from ml.training.crossvalidation import read_out_of_fold
from ml.training.data import TrainingData, load_training_data
from ml.training.plans import TrainingPlan
from ml.training.release import (
    ScoredImages,
    describe_licence,
    describe_versions,
    finish_specification,
    round_fields,
    save_network,
)
from ml.training.run import find_scaling, train_network

_PROVISIONAL_POLICY = {"version": "none", "threshold": 0.5, "refer_low": 0.5, "refer_high": 0.5}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_plan_options(parser)
    parser.add_argument("--output", type=Path, help="default ml/weights/ARCHITECTURE.h5")
    parser.add_argument("--folder", type=Path, help="checkpoints (default var/training/ARCHITECTURE)")
    parser.add_argument("--restart", action="store_true", help="forget the folder's checkpoint")
    parser.add_argument("--name", help="of the network (default the architecture's)")
    parser.add_argument("--version", default=FIRST_VERSION, help="version of the network")
    parser.add_argument(
        "--calibration",
        type=Path,
        help="out-of-fold predictions of this plan, by crossvalidate: learn from all train images and "
        "calibrate on these (without it, a part of the train images is held out for that)",
    )
    parser.add_argument(
        "--without-test", action="store_true", help="leave the test images alone: for comparing plans"
    )


def run(options: argparse.Namespace) -> int:
    """Train, calibrate, write both files and print the figures; returns the exit status."""
    plan, weights = read_plan(options)
    output = options.output or Path("ml/weights") / f"{plan.architecture}.h5"
    folder = options.folder or Path("var/training") / plan.architecture
    data = load_training_data(options.data_sets, plan.input_size, left_out=options.leave_out)
    held_out = _hold_out(data, plan, options)
    validation = data.select(held_out) if held_out.any() else None
    print(f"{plan.architecture} on {configure_devices()}")
    print(f"{int(np.sum(~held_out))} training and {int(np.sum(held_out))} validation images")
    if options.restart and folder.exists():
        shutil.rmtree(folder)
    model, progress = train_network(plan, data.select(~held_out), validation, folder, weights=weights)
    sha256 = save_network(model, output)
    draft = ModelSpecification(
        name=options.name or plan.architecture,
        version=options.version,
        file=output.name,
        sha256=sha256,
        architecture=plan.architecture,
        parameters=model.count_params(),
        input_height=plan.input_size,
        input_width=plan.input_size,
        scaling=find_scaling(plan.architecture),
        classes=("benign", "malignant"),
        calibration={"method": "identity"},
        policy=_PROVISIONAL_POLICY,
        licence=describe_licence(options.data_sets),
        views=read_views(options),
        training=_describe_training(plan, progress, held_out, options),
    )
    root = find_data_root()
    parts = {
        "train": [r for r, held in zip(data.records, held_out, strict=True) if not held and _is_of(r, root)]
    }
    if held_out.any():
        parts["validation"] = [r for r, held in zip(data.records, held_out, strict=True) if held]
    if not options.without_test:
        parts["test"] = [record for record in read_records(root) if record.split == "test"]
        parts["test_clean"] = [record for record in parts["test"] if record.clean]
    fitted_on = None
    if options.calibration:
        fitted_on = ScoredImages(*read_out_of_fold(options.calibration, options.data_sets))
    finish_specification(draft, root, parts, output, fitted_on)
    return 0


def _is_of(record: object, root: Path) -> bool:
    return getattr(record, "data_set", "") == root.name


def _hold_out(data: TrainingData, plan: TrainingPlan, options: argparse.Namespace) -> NDArray[np.bool_]:
    """Return which images are kept for calibration: none when out-of-fold predictions serve."""
    if options.calibration is not None:
        return np.zeros(len(data.records), dtype=np.bool_)
    _, validation = split_validation(data.records, fraction=plan.validation_fraction, seed=plan.seed)
    names = {(record.data_set, record.path) for record in validation}
    return np.array([(record.data_set, record.path) in names for record in data.records])


def _describe_training(
    plan: TrainingPlan, progress: Progress, held_out: NDArray[np.bool_], options: argparse.Namespace
) -> dict[str, object]:
    calibration = "validation images"
    if options.calibration is not None:
        calibration = f"{OUT_OF_FOLD}{options.calibration.name}"
    return {
        "data": list(options.data_sets),
        "left_out": list(options.leave_out),
        "split": "train split only; lesions kept whole between training and validation",
        "training_images": int(np.sum(~held_out)),
        "validation_images": int(np.sum(held_out)),
        "calibrated_on": calibration,
        "weights": plan.weights,
        "plan": plan.to_dict(),
        "seed": plan.seed,
        "epochs": len(progress.history),
        "best_epoch": progress.best_epoch,
        "history": [round_fields(row) for row in progress.history],
        "versions": describe_versions(),
        "device": configure_devices(),
    }
