"""The options of a training plan, the same for every command that trains."""

import argparse
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ml.imaging.views import FLIPS, IDENTITY
from ml.training.architectures import ARCHITECTURES
from ml.training.augmentation import AUGMENTATIONS
from ml.training.backbones import BACKBONES, describe_weights, find_weights
from ml.training.data import TRAINING_SETS
from ml.training.plans import OPTIMIZERS, SCHEDULES, PlanError, TrainingPlan, default_plan

KNOWN = (*sorted(ARCHITECTURES), *sorted(BACKBONES))
RANDOM = "random"


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    """Declare what may differ from the architecture's own plan."""
    parser.add_argument("--architecture", default=TrainingPlan().architecture, choices=KNOWN)
    parser.add_argument(
        "--data-sets", nargs="+", choices=TRAINING_SETS, default=TRAINING_SETS[:1], help="what to learn from"
    )
    parser.add_argument(
        "--leave-out", nargs="+", default=(), metavar="DIAGNOSIS", help="not to learn from, such as nv"
    )
    parser.add_argument("--weights", help=f"file of ImageNet weights, or {RANDOM} (default: what is found)")
    parser.add_argument("--views", type=int, choices=(1, 2, 4), default=1, help="flips averaged over")
    group = parser.add_argument_group("the plan (default: the architecture's)")
    group.add_argument("--input-size", type=int, help="pixels")
    group.add_argument("--training-sizes", type=int, nargs="+", help="pixels, one for each epoch")
    group.add_argument("--epochs", type=int)
    group.add_argument("--batch-size", type=int)
    group.add_argument("--learning-rate", type=float)
    group.add_argument("--head-rate", type=float)
    group.add_argument("--weight-decay", type=float)
    group.add_argument("--averaging", type=float, help="momentum of the average of the weights")
    group.add_argument("--label-smoothing", type=float)
    group.add_argument("--augmentation", choices=AUGMENTATIONS)
    group.add_argument("--optimizer", choices=OPTIMIZERS)
    group.add_argument("--schedule", choices=SCHEDULES)
    group.add_argument("--frozen-until", help="first layer that learns")
    group.add_argument("--seed", type=int)


def read_plan(options: argparse.Namespace) -> tuple[TrainingPlan, Path | None]:
    """Return the plan the options ask for and the file of weights it starts from.

    Prints which weights those are. Raises `ml.training.plans.PlanError`.
    """
    plan = default_plan(options.architecture)
    given: dict[str, Any] = {
        item.name: getattr(options, item.name)
        for item in fields(TrainingPlan)
        if item.name not in ("architecture", "weights") and getattr(options, item.name, None) is not None
    }
    if "training_sizes" in given:
        given["training_sizes"] = tuple(given["training_sizes"])
    elif "input_size" in given:
        given["training_sizes"] = ()
    weights = _find_start(options)
    started = describe_weights(weights) if options.architecture in BACKBONES else RANDOM
    print(f"{options.architecture} starts from weights: {started}")
    return replace(plan, **given, weights=started), weights


def read_views(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the names of the views the options ask for."""
    return FLIPS[: options.views] if options.views > 1 else (IDENTITY,)


def _find_start(options: argparse.Namespace) -> Path | None:
    if options.architecture not in BACKBONES or options.weights == RANDOM:
        return None
    if options.weights is None:
        return find_weights(options.architecture)
    path = Path(options.weights)
    if not path.is_file():
        raise PlanError(f"Expected a file of ImageNet weights, received {path}, which is none.")
    return path
