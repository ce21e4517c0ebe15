"""Training loop, resumable: the same seed gives the same weights, stopped or not."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from ml.evaluation.metrics import measure_auc
from ml.imaging.inputs import scale_pixels
from ml.serving.device import configure_devices
from ml.training.architectures import find_architecture
from ml.training.backbones import BACKBONES, build_backbone, freeze_statistics
from ml.training.batches import LabelledPixels, count_steps, make_batches, split_batches
from ml.training.checkpoints import Progress, restore_checkpoint, save_checkpoint
from ml.training.optimizers import build_optimizer, read_averages
from ml.training.plans import PlanError, TrainingPlan

if TYPE_CHECKING:
    import keras

# Where no epoch is chosen, validation only draws a curve: a point every few epochs is enough.
_CURVE_STEP = 4

__all__ = [
    "LabelledPixels",
    "TrainingPlan",
    "build_network",
    "find_scaling",
    "split_batches",
    "train_network",
]


def train_network(
    plan: TrainingPlan,
    train: LabelledPixels,
    validation: LabelledPixels | None,
    folder: Path,
    *,
    weights: Path | None = None,
    after_epoch: Callable[[int], None] | None = None,
) -> tuple["keras.Model", Progress]:
    """Train by `plan`, resuming from the checkpoint in `folder`; returns the model that counts.

    A checkpoint is written after each epoch. Order, augmentation and dropout of an epoch are set
    by the seed and the epoch's number alone, so a run that was stopped ends as one that was not.
    `weights` is the file of ImageNet weights a backbone starts from. Without `validation` the
    last epoch counts. `after_epoch(number)` is called once its checkpoint is on disk.
    Raises `ml.training.checkpoints.CheckpointError` when `folder` holds another plan's checkpoint.
    """
    os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
    configure_devices()
    import keras

    keras.utils.set_random_seed(plan.seed)
    model = _build_trainee(plan, weights)
    steps = count_steps(plan, len(train.labels)) * plan.epochs
    loss = keras.losses.BinaryCrossentropy(label_smoothing=plan.label_smoothing)
    model.compile(optimizer=build_optimizer(plan, steps), loss=loss)
    model.optimizer.build(model.trainable_variables)
    progress = restore_checkpoint(folder, model, plan.to_dict())
    for epoch in range(len(progress.history) + 1, plan.epochs + 1):
        started = time.monotonic()
        row = _train_epoch(model, plan, train, epoch)
        learning = [np.asarray(weight) for weight in model.get_weights()]
        counting = read_averages(model)
        chooses = plan.keep_best and validation is not None
        if validation is not None and (chooses or epoch % _CURVE_STEP == 0 or epoch == plan.epochs):
            model.set_weights(counting)
            row |= _validate(model, plan, validation)
            model.set_weights(learning)
        best = min((past["validation_loss"] for past in progress.history if chooses), default=np.inf)
        if not chooses or row["validation_loss"] < best:
            progress.best_epoch = epoch
            progress.best_weights = counting
        progress.history.append(row)
        progress.seconds += time.monotonic() - started
        save_checkpoint(folder, model, progress, plan.to_dict())
        tqdm.write(", ".join(f"{key} {value:.4g}" for key, value in row.items()))
        if after_epoch is not None:
            after_epoch(epoch)
    finished = build_network(plan, None)
    finished.set_weights(progress.best_weights)
    return finished, progress


def build_network(plan: TrainingPlan, weights: Path | None) -> "keras.Model":
    """Build the network of `plan` for its input size, uncompiled."""
    if plan.architecture in BACKBONES:
        return build_backbone(plan.architecture, plan.input_size, weights)
    return find_architecture(plan.architecture).build(plan.input_size)


def find_scaling(architecture: str) -> str:
    """Return what `architecture` expects of pixels, as in `ml.serving.specification`."""
    return "raw" if architecture in BACKBONES else find_architecture(architecture).scaling


def _build_trainee(plan: TrainingPlan, weights: Path | None) -> "keras.Model":
    """Build the network that learns; a backbone takes every size of the plan."""
    if plan.architecture not in BACKBONES:
        return build_network(plan, None)
    model = build_backbone(plan.architecture, None if plan.training_sizes else plan.input_size, weights)
    freeze_statistics(model)
    if plan.frozen_until:
        names = [layer.name for layer in model.layers]
        if plan.frozen_until not in names:
            raise PlanError(f"Expected a layer of {plan.architecture}, received {plan.frozen_until!r}.")
        for layer in model.layers[: names.index(plan.frozen_until)]:
            layer.trainable = False
    return model


def _train_epoch(
    model: "keras.Model", plan: TrainingPlan, data: LabelledPixels, epoch: int
) -> dict[str, float]:
    seed_dropout(model, plan.seed, epoch)
    scaling = find_scaling(plan.architecture)
    total, seen = 0.0, 0
    title = f"Epoch {epoch} of {plan.epochs}"
    images = min(len(data.labels), count_steps(plan, len(data.labels)) * plan.batch_size)
    with tqdm(total=images, desc=title, unit="image", leave=False) as bar:
        for pixels, target in make_batches(plan, data, epoch):
            # Keras 3.15 answers with this batch's loss alone: it forgets the batches before.
            total += float(model.train_on_batch(scale_pixels(pixels, scaling), target)) * len(target)
            seen += len(target)
            bar.update(len(target))
            bar.set_postfix(loss=f"{total / seen:.4f}", refresh=False)
    return {"epoch": epoch, "loss": total / seen}


def _validate(model: "keras.Model", plan: TrainingPlan, data: LabelledPixels) -> dict[str, float]:
    p = np.clip(score_pixels(model, plan, data.pixels), 1e-7, 1 - 1e-7)
    y = data.labels
    return {
        "validation_loss": float(-np.mean(y * np.log(p) + (1 - y) * np.log1p(-p))),
        "validation_accuracy": float(np.mean((p >= 0.5) == (y == 1))),
        "validation_auc": measure_auc(p, y),
    }


def score_pixels(
    model: "keras.Model", plan: TrainingPlan, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return raw P(malignant), float64 (n,), of uint8 images (n, size, size, 3)."""
    scaling = find_scaling(plan.architecture)
    parts = [
        np.asarray(model.predict_on_batch(scale_pixels(pixels[indices], scaling)))[:, 0]
        for indices in split_batches(np.arange(len(pixels)), plan.batch_size)
    ]
    return np.concatenate(parts).astype(np.float64)


def seed_dropout(model: "keras.Model", seed: int, epoch: int) -> None:
    """Set each dropout's random state from seed and epoch, so that resuming repeats it."""
    for index, layer in enumerate(model.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            words = np.random.SeedSequence([seed, epoch, index]).generate_state(2)
            generator.state.assign(words.astype(np.uint32))
