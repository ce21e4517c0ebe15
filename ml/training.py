"""Training a network from scratch: the same seed gives the same weights, stopped or not."""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.architectures import find_architecture
from ml.augmentation import augment_batch
from ml.checkpoints import Progress, restore_checkpoint, save_checkpoint
from ml.device import configure_devices
from ml.inputs import scale_pixels
from ml.metrics import measure_auc

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Everything that decides the weights, besides the images and the machine.

    The defaults are the paper's: Adam, batches of 32, 10 epochs. `input_size` in pixels;
    `augmentation` is one of `ml.augmentation.AUGMENTATIONS`; the weights kept are those of the
    epoch with the lowest validation loss.
    """

    architecture: str = "paper-cnn-2"
    input_size: int = 224
    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 0.001
    augmentation: str = "none"
    validation_fraction: float = 0.15
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LabelledPixels:
    """Images as uint8 (n, size, size, 3) and labels as int64 (n,), 1 = malignant."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


def train_network(
    plan: TrainingPlan,
    train: LabelledPixels,
    validation: LabelledPixels,
    folder: Path,
    *,
    after_epoch: Callable[[int], None] | None = None,
) -> tuple["keras.Model", Progress]:
    """Train by `plan`, resuming from the checkpoint in `folder`; returns the best epoch's model.

    A checkpoint is written after each epoch. Order, augmentation and dropout of an epoch are set
    by the seed and the epoch's number alone, so a run that was stopped ends as one that was not.
    `after_epoch(number)` is called once its checkpoint is on disk. Raises
    `ml.checkpoints.CheckpointError` when `folder` holds another plan's checkpoint.
    """
    os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
    configure_devices()
    import keras

    architecture = find_architecture(plan.architecture)
    keras.utils.set_random_seed(plan.seed)
    model = architecture.build(plan.input_size)
    model.compile(optimizer=keras.optimizers.Adam(plan.learning_rate), loss="binary_crossentropy")
    model.optimizer.build(model.trainable_variables)
    progress = restore_checkpoint(folder, model, plan.to_dict())
    for epoch in range(len(progress.history) + 1, plan.epochs + 1):
        row = _train_epoch(model, plan, architecture.scaling, train, epoch)
        row |= _validate(model, plan, architecture.scaling, validation)
        best = min((past["validation_loss"] for past in progress.history), default=np.inf)
        if row["validation_loss"] < best:
            progress.best_epoch = epoch
            progress.best_weights = [np.asarray(w) for w in model.get_weights()]
        progress.history.append(row)
        save_checkpoint(folder, model, progress, plan.to_dict())
        tqdm.write(", ".join(f"{key} {value:.4g}" for key, value in row.items()))
        if after_epoch is not None:
            after_epoch(epoch)
    model.set_weights(progress.best_weights)
    return model, progress


def _train_epoch(
    model: "keras.Model", plan: TrainingPlan, scaling: str, data: LabelledPixels, epoch: int
) -> dict[str, float]:
    generator = np.random.default_rng([plan.seed, epoch])
    _seed_dropout(model, plan.seed, epoch)
    order = generator.permutation(len(data.labels))
    total = 0.0
    title = f"Epoch {epoch} of {plan.epochs}"
    with tqdm(total=len(order), desc=title, unit="image", leave=False) as bar:
        for indices in split_batches(order, plan.batch_size):
            pixels = augment_batch(data.pixels[indices], plan.augmentation, generator)
            target = data.labels[indices].astype(np.float32)[:, None]
            loss = float(model.train_on_batch(scale_pixels(pixels, scaling), target))
            bar.update(len(indices))
            bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            total += loss * len(indices)
    return {"epoch": epoch, "loss": total / len(order)}


def _validate(
    model: "keras.Model", plan: TrainingPlan, scaling: str, data: LabelledPixels
) -> dict[str, float]:
    parts = [
        model.predict_on_batch(scale_pixels(data.pixels[indices], scaling))[:, 0]
        for indices in split_batches(np.arange(len(data.labels)), plan.batch_size)
    ]
    p = np.clip(np.concatenate(parts).astype(np.float64), 1e-7, 1 - 1e-7)
    y = data.labels
    return {
        "validation_loss": float(-np.mean(y * np.log(p) + (1 - y) * np.log1p(-p))),
        "validation_accuracy": float(np.mean((p >= 0.5) == (y == 1))),
        "validation_auc": measure_auc(p, y),
    }


def split_batches(order: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Yield `order` in pieces of `size`, the last one possibly smaller."""
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _seed_dropout(model: "keras.Model", seed: int, epoch: int) -> None:
    """Set each dropout's random state from seed and epoch, so that resuming repeats it."""
    for index, layer in enumerate(model.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            words = np.random.SeedSequence([seed, epoch, index]).generate_state(2)
            generator.state.assign(words.astype(np.uint32))
