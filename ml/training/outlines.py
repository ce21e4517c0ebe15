"""Training of outline networks, resumable: five folds of lesions, then the shipped one on every image.

The loss is cross-entropy plus one minus the soft Dice coefficient (Milletari, Navab and Ahmadi 2016, "V-Net"): the
first is steady, the second is what is measured. Nothing is chosen on held-out images.
"""

import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.serving.device import configure_devices
from ml.training.checkpoints import Progress, restore_checkpoint, save_checkpoint
from ml.training.outline_networks import OUTLINE_ARCHITECTURES
from ml.training.plans import PlanError

if TYPE_CHECKING:
    import keras

_LARGEST_TURN: Final = 3.15  # radians, either way: a lesion has no upright
_ZOOM: Final = (0.75, 1.3)
_SHIFT: Final = 0.1
_GAIN: Final = 0.15
_ANSWERED: Final = 16  # at once


@dataclass(frozen=True, slots=True)
class OutlinePlan:
    """How an outline network is trained: `architecture` of OUTLINE_ARCHITECTURES, `side` in pixels, `weights` said.

    `learning_rate` is the highest, on a cosine down to none. Raises PlanError.
    """

    architecture: str
    side: int = 128
    epochs: int = 16
    batch_size: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    seed: int = 0
    weights: str = ""

    def __post_init__(self) -> None:
        if self.architecture not in OUTLINE_ARCHITECTURES:
            raise PlanError(
                f"Expected an architecture among {', '.join(OUTLINE_ARCHITECTURES)}, received {self.architecture!r}."
            )
        if self.epochs < 1 or self.batch_size < 1:
            raise PlanError(
                f"Expected at least 1 epoch and 1 image a batch, received {self.epochs}, {self.batch_size}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        return asdict(self)


def build_trainee(plan: OutlinePlan, weights: Path | None) -> "keras.Model":
    """Build and compile the plan's network, as it starts; `weights` of ImageNet, or None."""
    os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
    configure_devices()
    import keras

    keras.utils.set_random_seed(plan.seed)
    network = OUTLINE_ARCHITECTURES[plan.architecture](plan.side, weights)
    optimizer = keras.optimizers.AdamW(plan.learning_rate, weight_decay=plan.weight_decay)
    network.compile(optimizer=optimizer, loss=measure_loss)
    network.optimizer.build(network.trainable_variables)
    return network


def train_outliner(
    plan: OutlinePlan,
    network: "keras.Model",
    pixels: NDArray[np.uint8],
    masks: NDArray[np.float32],
    folder: Path,
    *,
    after_epoch: Callable[[int, float], None] | None = None,
) -> Progress:
    """Train `network`, as `build_trainee` made it, on `pixels`, uint8 (n, side, side, 3), and `masks`.

    `masks`: float32 (n, side, side) in [0, 1]. A checkpoint in `folder` after each epoch: order and changes of an
    epoch are set by the seed and its number, so a run that was stopped ends as one that was not.
    `after_epoch(number, loss)`. Raises `ml.training.checkpoints.CheckpointError` for another plan's checkpoint.
    """
    described = {**plan.to_dict(), "images": len(pixels)}
    progress = restore_checkpoint(folder, network, described)
    steps = max(1, len(pixels) // plan.batch_size)
    for epoch in range(len(progress.history) + 1, plan.epochs + 1):
        started = time.monotonic()
        generator = np.random.default_rng([plan.seed, epoch])
        order = generator.permutation(len(pixels))
        total = 0.0
        for step in range(steps):
            done = (epoch - 1 + step / steps) / plan.epochs
            network.optimizer.learning_rate.assign(plan.learning_rate * find_rate(done, plan.epochs))
            chosen = order[step * plan.batch_size : (step + 1) * plan.batch_size]
            changed = [change_pair(pixels[index], masks[index], generator) for index in chosen]
            batch = np.stack([picture for picture, _ in changed]).astype(np.float32)
            total += float(network.train_on_batch(batch, np.stack([mask for _, mask in changed])[..., None]))
        progress.history.append({"epoch": epoch, "loss": total / steps})
        progress.seconds += time.monotonic() - started
        save_checkpoint(folder, network, progress, described)
        if after_epoch is not None:
            after_epoch(epoch, total / steps)
    return progress


class Start:
    """The state of a network before training, so that the next fold starts as the first did."""

    def __init__(self, network: "keras.Model") -> None:
        self._network = network
        self._weights = network.get_weights()
        self._optimizer = [np.asarray(variable).copy() for variable in network.optimizer.variables]

    def restore(self) -> None:
        """Bring weights and optimizer back to it."""
        self._network.set_weights(self._weights)
        for variable, value in zip(self._network.optimizer.variables, self._optimizer, strict=True):
            variable.assign(value)


def find_rate(done: float, epochs: int) -> float:
    """Return the share of the highest learning rate when `done`, 0 to 1, of the training is over.

    It rises over the first epoch, then falls on a cosine (Loshchilov and Hutter 2017, "SGDR").
    """
    warm = 1 / epochs
    if done < warm:
        return 0.1 + 0.9 * done / warm
    return 0.5 * (1 + math.cos(math.pi * (done - warm) / max(1 - warm, 1e-9)))


def measure_loss(truth: Any, found: Any) -> Any:
    """Return cross-entropy plus one minus the soft Dice coefficient, the mean over a batch of masks (n, h, w, 1)."""
    from keras import losses, ops

    entropy = ops.mean(losses.binary_crossentropy(truth, found))
    both = ops.sum(truth * found, axis=(1, 2, 3))
    either = ops.sum(truth + found, axis=(1, 2, 3))
    return entropy + 1 - ops.mean((2 * both + 1) / (either + 1))


def change_pair(
    picture: NDArray[np.uint8], mask: NDArray[np.float32], generator: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Turn, mirror, zoom and move a picture and its mask alike; change the picture's light and colours.

    What comes into the frame from outside is the picture's edge colour, and no lesion.
    """
    side = len(picture)
    angle = generator.uniform(-_LARGEST_TURN, _LARGEST_TURN)
    zoom = np.exp(generator.uniform(*np.log(_ZOOM)))
    mirror = generator.choice((-1.0, 1.0))
    shift = generator.uniform(-_SHIFT, _SHIFT, 2) * side
    cosine, sine = np.cos(angle) / zoom, np.sin(angle) / zoom
    turned = np.array([[cosine * mirror, -sine], [sine * mirror, cosine]])
    centre = np.full(2, side / 2)
    start = centre - turned @ (centre + shift)
    numbers = (turned[0, 0], turned[0, 1], start[0], turned[1, 0], turned[1, 1], start[1])
    edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    fill = tuple(int(value) for value in np.median(edge, axis=0))
    shape, method = (side, side), Image.Transform.AFFINE
    moved = Image.fromarray(picture).transform(
        shape, method, numbers, Image.Resampling.BILINEAR, fillcolor=fill
    )
    drawn = Image.fromarray(mask).transform(shape, method, numbers, Image.Resampling.BILINEAR)
    gains = 1 + generator.uniform(-_GAIN, _GAIN) + generator.uniform(-_GAIN / 2, _GAIN / 2, 3)
    light = np.asarray(moved, dtype=np.float32) * gains.astype(np.float32)
    return np.clip(light, 0, 255).astype(np.uint8), np.asarray(drawn, dtype=np.float32)


def find_probabilities(network: "keras.Model", pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return P(lesion) of each pixel, float32 (n, side, side), of `pixels` uint8 (n, side, side, 3)."""
    parts = []
    for start in range(0, len(pixels), _ANSWERED):
        part = pixels[start : start + _ANSWERED]
        batch = np.zeros((_ANSWERED, *pixels.shape[1:]), dtype=np.float32)
        batch[: len(part)] = part
        parts.append(np.asarray(network.predict_on_batch(batch))[: len(part), ..., 0])
    return np.concatenate(parts)
