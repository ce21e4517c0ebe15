"""AlexNet trained from scratch: the network that the older systems took their features from."""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ml.imaging.inputs import scale_pixels
from ml.training.batches import split_batches
from ml.training.checkpoints import Progress, restore_checkpoint, save_checkpoint
from ml.training.run import seed_dropout

if TYPE_CHECKING:
    import keras

FEATURES: Final = "fc_7"
_SCALING: Final = "signed"
_SCORING_BATCH: Final = 128


@dataclass(frozen=True, slots=True)
class AlexNetPlan:
    """How AlexNet is trained: `input_size` in pixels, `epochs` of `steps` batches of `batch_size` images.

    Published at 227 pixels and 90 passes over 1.2 million images; the same layers also take a smaller picture,
    which is what two cores allow. Adam at `learning_rate`; pictures are mirrored at random as published.
    """

    input_size: int = 64
    epochs: int = 8
    steps: int = 42
    batch_size: int = 64
    learning_rate: float = 3e-4
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        return asdict(self)


def build_alexnet(input_size: int) -> "keras.Model":
    """Build AlexNet (Krizhevsky, Sutskever and Hinton 2012): pixels in [-1, 1] to P(malignant), (n, 1).

    Five convolutions, three overlapping poolings, two dense layers of 4,096 with dropout, and one sigmoid for the
    thousand classes. One column instead of two, no local response normalisation; where the picture has become
    smaller than a pooling's window, that pooling is left out.
    """
    import keras
    from keras import layers

    image = keras.Input((input_size, input_size, 3), name="image")
    values = layers.Conv2D(96, 11, strides=4, padding="same", activation="relu", name="conv_1")(image)
    values = _pool(values, "pool_1")
    values = layers.Conv2D(256, 5, padding="same", activation="relu", name="conv_2")(values)
    values = _pool(values, "pool_2")
    for number, filters in ((3, 384), (4, 384), (5, 256)):
        values = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv_{number}")(values)
    values = layers.Flatten(name="flatten")(_pool(values, "pool_5"))
    for number in (6, 7):
        values = layers.Dense(4096, activation="relu", name=f"fc_{number}")(values)
        values = layers.Dropout(0.5, name=f"dropout_{number}")(values)
    malignant = layers.Dense(1, activation="sigmoid", name="malignant")(values)
    return keras.Model(image, malignant, name="alexnet")


def _pool(values: Any, name: str) -> Any:
    from keras import layers

    return layers.MaxPooling2D(3, strides=2, name=name)(values) if values.shape[1] >= 3 else values


def train_alexnet(
    plan: AlexNetPlan,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    chances: NDArray[np.float64],
    folder: Path,
    *,
    tell: Callable[[str], None] = print,
) -> "tuple[keras.Model, float]":
    """Return the network and the processor seconds its training took, earlier sittings included.

    It begins with random weights and learns `pixels`, uint8 (n, size, size, 3), and `labels` (n,), 1 = malignant.
    Each batch draws images by their `chances` (n,), in any scale. A checkpoint in `folder` after each epoch, so a run
    that was stopped goes on and ends as one that was not. `tell` is told of each. Raises
    `ml.training.checkpoints.CheckpointError` for the checkpoint of another plan.
    """
    os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(plan.seed)
    network = build_alexnet(plan.input_size)
    network.compile(optimizer=keras.optimizers.Adam(plan.learning_rate), loss="binary_crossentropy")
    network.optimizer.build(network.trainable_variables)
    described = {**plan.to_dict(), "images": len(labels)}
    progress: Progress = restore_checkpoint(folder, network, described)
    for epoch in range(len(progress.history) + 1, plan.epochs + 1):
        seed_dropout(network, plan.seed, epoch)
        started = time.process_time()
        generator = np.random.default_rng([plan.seed, epoch])
        total = 0.0
        for _ in range(plan.steps):
            drawn = generator.choice(len(labels), plan.batch_size, p=chances / chances.sum())
            batch = scale_pixels(pixels[drawn], _SCALING)
            mirrored = generator.integers(0, 2, plan.batch_size).astype(bool)
            batch[mirrored] = batch[mirrored, :, ::-1]
            total += float(network.train_on_batch(batch, labels[drawn, None].astype(np.float32)))
        progress.history.append({"epoch": epoch, "loss": total / plan.steps})
        progress.seconds += time.process_time() - started
        save_checkpoint(folder, network, progress, described)
        tell(f"AlexNet, epoch {epoch} of {plan.epochs}: loss {total / plan.steps:.4f}")
    return network, progress.seconds


def extract_features(network: "keras.Model", pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the 4,096 activations of the last hidden layer, float32 (n, 4096), of `pixels` as `train_alexnet` takes."""
    import keras

    inner = keras.Model(network.input, network.get_layer(FEATURES).output)
    parts = []
    for indices in split_batches(np.arange(len(pixels)), _SCORING_BATCH):
        batch = np.zeros((_SCORING_BATCH, *pixels.shape[1:]), dtype=np.float32)  # one shape, compiled once
        batch[: len(indices)] = scale_pixels(pixels[indices], _SCALING)
        parts.append(np.asarray(inner.predict_on_batch(batch))[: len(indices)])
    return np.concatenate(parts)
