"""Full fine-tuning from pixels: every layer learns, on batches balanced over source, class and diagnosis.

The head is one softmax over the diagnoses; P(malignant) is the sum of the malignant ones. An image whose
table tells only benign or malignant teaches that sum alone (a masked loss). The head is fitted on the frozen
backbone first, so that a random one doesn't distort it (Kumar et al. 2022); then all layers learn slowly, each
image taken anew by another camera at each look, and the weights of start and end are averaged (Wortsman et al.
2022).
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.datasets.records import DataError
from ml.datasets.sources import SQUASHED, SourcedImage, balance_weights
from ml.digests import digest_bytes
from ml.imaging.decoding import to_array
from ml.imaging.inputs import build_input, scale_pixels
from ml.serving.device import configure_devices
from ml.training.acquisition import redraw_acquisition
from ml.training.activations import FEATURES
from ml.training.backbones import build_backbone, freeze_statistics
from ml.training.checkpoints import Progress, restore_checkpoint, save_checkpoint
from ml.training.optimizers import build_optimizer, read_averages
from ml.training.plans import PlanError, TrainingPlan
from ml.training.run import find_scaling, seed_dropout

if TYPE_CHECKING:
    import keras

# The diagnoses of the sets at hand, in the order of the head; the rest of a lesion's names is benign or malignant.
DIAGNOSES: Final = ("nv", "mel", "bcc", "akiec", "bkl", "df", "vasc")
MALIGNANT: Final = ("mel", "bcc", "akiec")
HEAD: Final = "diagnoses"
STORED_SIDE: Final = 224
_HEAD_STEPS = 400
_HEAD_RATE = 0.02
_BATCH = 32


@dataclass(frozen=True, slots=True)
class FullTuningPlan:
    """How every layer of a backbone is tuned.

    `input_size` in pixels; `epochs` of as many images as are learned from; `learning_rate` is the highest, on a
    cosine; `averaging`: momentum of the running average of the weights, which is what counts; `most`: the
    largest weight of an image in the balance of sources, of the mean; `rare`: how far rare diagnoses are drawn
    more often within their class, from 0 (as often as they are) to 1 (all alike); `naming`: weight of the loss of
    the diagnosis beside that of the verdict; `mix`: share of the tuned weights in the end, the rest being the
    start's; `penalty` of the head's squared weights at the start. Raises PlanError.
    """

    architecture: str
    input_size: int = 160
    seed: int = 0
    epochs: int = 8
    learning_rate: float = 3e-4
    weight_decay: float = 0.02
    averaging: float = 0.99
    label_smoothing: float = 0.05
    most: float = 4.0
    rare: float = 0.5
    naming: float = 0.5
    penalty: float = 1e-3
    mix: float = 1.0
    weights: str = ""

    def __post_init__(self) -> None:
        if self.epochs < 1 or not 0 <= self.mix <= 1 or not 0 <= self.rare <= 1:
            raise PlanError("Expected at least 1 epoch, mix and rare from 0 to 1.")

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Training images with their pixels, uint8 (n, 224, 224, 3)."""

    images: Sequence[SourcedImage]
    pixels: NDArray[np.uint8]


def read_pictures(images: Sequence[SourcedImage], data: Path, keep: Path | None = None) -> Pictures:
    """Return the images with their pixels, read from below the folder `data`.

    `keep`: a file that holds them from one run to the next. Raises DataError when an image is missing or is not
    the one listed.
    """
    names = "".join(f"{image.sha256}" for image in images)
    path = None if keep is None else keep / f"pixels-{digest_bytes(names.encode())[:16]}.npy"
    if path is not None and path.is_file():
        stored: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
        return Pictures(images, stored)
    pixels = np.empty((len(images), STORED_SIDE, STORED_SIDE, 3), dtype=np.uint8)
    for place, image in enumerate(images):
        try:
            content = (data / image.key).read_bytes()
        except OSError as error:
            raise DataError(f"Expected the image {image.key}, received: {error}.") from error
        if (received := digest_bytes(content)) != image.sha256:
            raise DataError(f"{image.key}: expected SHA-256 {image.sha256}, received {received}.")
        pixels[place] = build_input(content, (STORED_SIDE, STORED_SIDE))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".partial")
        with draft.open("wb") as stream:
            np.save(stream, pixels, allow_pickle=False)
        draft.replace(path)
    return Pictures(images, pixels)


def describe_targets(images: Sequence[SourcedImage]) -> NDArray[np.float32]:
    """Return the targets, float32 (n, 8): malignant or not, then one of DIAGNOSES, all 0 where none is told.

    A diagnosis that contradicts the label is left away: the label is what the set was made by.
    """
    targets = np.zeros((len(images), 1 + len(DIAGNOSES)), dtype=np.float32)
    for row, image in zip(targets, images, strict=True):
        row[0] = image.label
        if image.diagnosis in DIAGNOSES and (image.diagnosis in MALIGNANT) == bool(image.label):
            row[1 + DIAGNOSES.index(image.diagnosis)] = 1
    return targets


def draw_chances(plan: FullTuningPlan, images: Sequence[SourcedImage]) -> NDArray[np.float64]:
    """Return the chance of each image to be drawn, float64 (n,), sum 1.

    By `balance_weights`, so that no source tells the class; within each class of a set's source the rare
    diagnoses are drawn more often, as `rare` says, without changing what the class weighs there.
    """
    weights = balance_weights(images, most=plan.most)
    parts = np.array([f"{image.data_set}/{image.source}/{image.label}" for image in images])
    named = np.array([image.diagnosis for image in images])
    for part in sorted(set(parts.tolist())):
        own = np.flatnonzero(parts == part)
        counts = Counter(named[own].tolist())
        factors = np.array([counts[name] for name in named[own].tolist()], dtype=np.float64) ** -plan.rare
        total = weights[own].sum()
        weights[own] *= factors
        weights[own] *= total / weights[own].sum()
    chances: NDArray[np.float64] = weights / weights.sum()
    return chances


def build_diagnosing(plan: FullTuningPlan, weights: Path | None) -> "keras.Model":
    """Return the backbone from its `weights` with a softmax of DIAGNOSES: raw RGB (n, s, s, 3) to (n, 7)."""
    import keras
    from keras import layers

    plain = build_backbone(plan.architecture, plan.input_size, weights)
    freeze_statistics(plain)
    dropped = plain.get_layer("dropout").output
    head = layers.Dense(len(DIAGNOSES), activation="softmax", name=HEAD, dtype="float32")
    return keras.Model(plain.input, head(dropped), name=plain.name)


def make_loss(plan: FullTuningPlan) -> Callable[[Any, Any], Any]:
    """Return the loss of targets (n, 8) of `describe_targets` and probabilities (n, 7), a mean over the images.

    The cross-entropy of the verdict, whose P is the sum of the malignant, and where the diagnosis is told that
    of the diagnosis among those of its class, weighed by `naming`.
    """
    from keras import ops

    malignant = np.array([[name in MALIGNANT for name in DIAGNOSES]], dtype=np.float32)

    def loss(targets: Any, probabilities: Any) -> Any:
        p = ops.clip(probabilities, 1e-7, 1.0)
        bad = ops.sum(p * malignant, axis=1)
        good = ops.sum(p * (1 - malignant), axis=1)
        label = targets[:, 0] * (1 - plan.label_smoothing) + plan.label_smoothing / 2
        verdict = -label * ops.log(bad) - (1 - label) * ops.log(good)
        named = targets[:, 1:]
        told = ops.sum(named, axis=1)
        own = ops.where(targets[:, 0] > 0.5, bad, good)
        naming = told * (ops.log(own) - ops.log(ops.sum(p * named, axis=1) + (1 - told)))
        return ops.mean(verdict + plan.naming * naming)

    return loss


def sum_malignant(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return P(malignant), float64 (n,), of probabilities (n, 7) in the order of DIAGNOSES."""
    total: NDArray[np.float64] = (
        probabilities[:, [DIAGNOSES.index(name) for name in MALIGNANT]].astype(np.float64).sum(axis=1)
    )
    return total


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What is learned from: images (m,), their places in `pixels` (n, 224, 224, 3), targets (m, 8), chances (m,)."""

    images: Sequence[SourcedImage]
    pixels: NDArray[np.uint8]
    places: NDArray[np.int64]
    targets: NDArray[np.float32]
    chances: NDArray[np.float64]

    @property
    def steps(self) -> int:
        """Return the batches of an epoch."""
        return max(1, len(self.images) // _BATCH)


@dataclass(frozen=True, slots=True)
class FullyTuned:
    """A network before and after, and what the epochs said."""

    network: "keras.Model"
    start: list[NDArray[np.float32]]
    end: list[NDArray[np.float32]]
    progress: Progress

    def set_mix(self, mix: float) -> None:
        """Give the network `mix` of the tuned weights and the rest of the start's."""
        pairs = zip(self.start, self.end, strict=True)
        self.network.set_weights([(1 - mix) * before + mix * after for before, after in pairs])


def tune_whole(
    plan: FullTuningPlan,
    pictures: Pictures,
    learned: NDArray[np.int64],
    folder: Path,
    *,
    weights: Path | None,
    after_epoch: Callable[[dict[str, float]], None] | None = None,
) -> FullyTuned:
    """Fit the head, then tune every layer on the pictures at `learned`, int64 (m,).

    A checkpoint in `folder` after each epoch: stopped and begun again, the run ends as one that was not. Raises
    `ml.training.checkpoints.CheckpointError` for another plan's checkpoint.
    """
    os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
    configure_devices()
    import keras

    keras.utils.set_random_seed(plan.seed)
    network = build_diagnosing(plan, weights)
    chosen = [pictures.images[index] for index in learned]
    lesson = _Lesson(chosen, pictures.pixels, learned, describe_targets(chosen), draw_chances(plan, chosen))
    described = {**plan.to_dict(), "images": len(learned)}
    _start_head(plan, network, lesson, folder)
    start = [np.array(weight) for weight in network.get_weights()]
    optimizer = build_optimizer(_describe_training(plan), lesson.steps * plan.epochs)
    network.compile(optimizer=optimizer, loss=make_loss(plan))
    network.optimizer.build(network.trainable_variables)
    progress = restore_checkpoint(folder, network, described)
    for epoch in range(len(progress.history) + 1, plan.epochs + 1):
        begun, total = time.monotonic(), 0.0
        seed_dropout(network, plan.seed, epoch)
        for batch, wanted in _draw_batches(plan, lesson, epoch):
            total += float(network.train_on_batch(batch, wanted))
        took = round(time.monotonic() - begun, 1)
        progress.history.append({"epoch": epoch, "loss": total / lesson.steps, "seconds": took})
        progress.best_epoch, progress.best_weights = epoch, read_averages(network)
        save_checkpoint(folder, network, progress, described)
        if after_epoch is not None:
            after_epoch(progress.history[-1])
    return FullyTuned(network, start, progress.best_weights, progress)


def _draw_batches(
    plan: FullTuningPlan, lesson: _Lesson, epoch: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield (scaled pixels (32, s, s, 3), targets (32, 8)), the next batch being made meanwhile."""
    generator = np.random.default_rng([plan.seed, epoch])
    drawn = generator.choice(len(lesson.images), (lesson.steps, _BATCH), p=lesson.chances)
    side, scaling = plan.input_size, find_scaling(plan.architecture)

    def make(step: int) -> NDArray[np.float32]:
        batch = np.empty((_BATCH, side, side, 3), dtype=np.uint8)
        for number, place in enumerate(drawn[step].tolist()):
            batch[number] = redraw_acquisition(
                np.asarray(lesson.pixels[lesson.places[place]]),
                np.random.default_rng([plan.seed, epoch, step, number]),
                side=side,
                squashed=lesson.images[place].frame == SQUASHED,
            )
        return scale_pixels(batch, scaling)

    with ThreadPoolExecutor(1, thread_name_prefix="draw") as pool:
        ahead = pool.submit(make, 0)
        for step in range(lesson.steps):
            batch = ahead.result()
            if step + 1 < lesson.steps:
                ahead = pool.submit(make, step + 1)
            yield batch, lesson.targets[drawn[step]]


def _start_head(plan: FullTuningPlan, network: "keras.Model", lesson: _Lesson, folder: Path) -> None:
    """Fit the head on the frozen backbone; kept in `folder`, since the start must be the same when resumed."""
    path = folder / "head.npz"
    head = network.get_layer(HEAD)
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            head.set_weights([stored["kernel"], stored["bias"]])
        return
    features = run_features(plan, network, lesson.pixels[lesson.places])
    kernel, bias = fit_head(
        features, lesson.targets, lesson.chances, penalty=plan.penalty, naming=plan.naming
    )
    head.set_weights([kernel, bias])
    folder.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".partial")
    with draft.open("wb") as stream:
        np.savez(stream, allow_pickle=False, kernel=kernel, bias=bias)
    draft.replace(path)


def fit_head(
    features: NDArray[np.float32],
    targets: NDArray[np.float32],
    chances: NDArray[np.float64],
    *,
    penalty: float,
    naming: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return kernel (d, 7) and bias (7,) of a softmax fitted on `features` (n, d) by Adam on all images at once.

    The loss is that of `make_loss`, unsmoothed, each image weighing by `chances`, sum 1; `penalty` is of the
    squared weights of the features scaled to unit variance.
    """
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-3
    scaled = ((features - mean) / scale).astype(np.float32)
    malignant = np.array([name in MALIGNANT for name in DIAGNOSES])
    own = np.where(targets[:, :1] > 0.5, malignant, ~malignant).astype(np.float32)
    named, each = targets[:, 1:], chances.astype(np.float32)[:, None]
    told = named.sum(axis=1, keepdims=True)
    weights = np.zeros((features.shape[1] + 1, len(DIAGNOSES)), dtype=np.float32)
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, _HEAD_STEPS + 1):
        z = scaled @ weights[:-1] + weights[-1]
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        within = p * own / np.maximum((p * own).sum(axis=1, keepdims=True), 1e-7)
        slope = each * ((p - within) + naming * told * (within - named))
        gradient = np.concatenate(
            [scaled.T @ slope + penalty * weights[:-1], slope.sum(axis=0, keepdims=True)]
        )
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        rate = _HEAD_RATE * 0.5 * (1 + np.cos(np.pi * step / _HEAD_STEPS))
        weights -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    kernel = weights[:-1] / scale[:, None]
    return kernel.astype(np.float32), (weights[-1] - mean @ kernel).astype(np.float32)


def run_features(
    plan: FullTuningPlan, network: "keras.Model", pixels: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Return the pooled features (n, d) that the head reads, of `pixels` uint8 (n, 224, 224, 3)."""
    import keras

    return _run(plan, keras.Model(network.input, network.get_layer(FEATURES).output), pixels)


def run_network(
    plan: FullTuningPlan, network: "keras.Model", pixels: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Return the probabilities (n, 7) of `pixels` uint8 (n, 224, 224, 3)."""
    return _run(plan, network, pixels)


def _run(plan: FullTuningPlan, network: "keras.Model", pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    side, scaling, parts = plan.input_size, find_scaling(plan.architecture), []
    for start in range(0, len(pixels), _BATCH):
        part = pixels[start : start + _BATCH]
        padded = np.zeros((_BATCH, side, side, 3), dtype=np.uint8)
        for place, image in enumerate(part):
            padded[place] = to_array(Image.fromarray(image), (side, side))
        parts.append(np.asarray(network.predict_on_batch(scale_pixels(padded, scaling)))[: len(part)])
    return np.concatenate(parts)


def _describe_training(plan: FullTuningPlan) -> TrainingPlan:
    return TrainingPlan(
        architecture=plan.architecture,
        input_size=plan.input_size,
        epochs=plan.epochs,
        batch_size=_BATCH,
        learning_rate=plan.learning_rate,
        weight_decay=plan.weight_decay,
        head_rate=1.0,
        optimizer="adamw",
        schedule="cosine",
        averaging=plan.averaging,
        seed=plan.seed,
    )
