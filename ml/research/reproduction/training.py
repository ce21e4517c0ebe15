"""Training one run of the reproduction: stopped or not, the same seed gives the same figures."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.imaging.inputs import scale_pixels
from ml.research.reproduction.results import RunResult
from ml.research.reproduction.runs import ReproductionRun, draw_batches
from ml.serving.device import configure_devices
from ml.training.architectures import find_architecture
from ml.training.batches import LabelledPixels, split_batches
from ml.training.checkpoints import Progress, restore_checkpoint, save_checkpoint
from ml.training.release import describe_versions

if TYPE_CHECKING:
    import keras

_SCORING_BATCH = 64


def train_run(
    run: ReproductionRun,
    train: LabelledPixels,
    test: LabelledPixels,
    folder: Path,
    plan: dict[str, Any],
    *,
    after_epoch: Callable[[int], None] | None = None,
) -> RunResult:
    """Train `run` on all of `train`, resuming from the checkpoint in `folder` made by `plan`.

    After each epoch a row of figures is kept: `running_loss` and `running_accuracy` are the means
    over the epoch's batches as Keras prints them, while the weights still move and dropout is on;
    `train_…` and `test_…` are of all images after the epoch. Nothing is chosen by any of them:
    the last epoch counts. `after_epoch(number)` is called once its checkpoint is on disk, and
    once with the number restored from `folder`, if any. Raises `ml.training.checkpoints.CheckpointError`
    when `folder` holds another plan's checkpoint.
    """
    os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
    device = configure_devices()
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(run.seed)
    architecture = find_architecture(run.architecture)
    model = architecture.build(run.input_size)
    optimizer = keras.optimizers.Adam(run.learning_rate)
    accuracy = keras.metrics.BinaryAccuracy(name="accuracy")
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=[accuracy])
    optimizer.build(model.trainable_variables)
    progress = restore_checkpoint(folder, model, plan)
    if progress.history and after_epoch is not None:
        after_epoch(len(progress.history))
    for epoch in range(len(progress.history) + 1, run.epochs + 1):
        started = time.monotonic()
        row = _train_epoch(model, run, architecture.scaling, train, epoch)
        for part, data in (("train", train), ("test", test)):
            row |= measure_fit(part, score(model, architecture.scaling, data.pixels), data.labels)
        progress.history.append(row)
        progress.seconds += time.monotonic() - started
        save_checkpoint(folder, model, progress, plan)
        tqdm.write(_describe_epoch(run, row))
        if after_epoch is not None:
            after_epoch(epoch)
    probabilities = score(model, architecture.scaling, test.pixels)
    return _finish(run, model, progress, probabilities, device)


def score(model: "keras.Model", scaling: str, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return P(malignant), float32 (n,), of `pixels`, uint8 (n, size, size, 3)."""
    parts = [
        np.asarray(model.predict_on_batch(scale_pixels(pixels[indices], scaling)))[:, 0]
        for indices in split_batches(np.arange(len(pixels)), _SCORING_BATCH)
    ]
    return np.concatenate(parts).astype(np.float32)


def measure_fit(part: str, p: NDArray[np.float32], y: NDArray[np.int64]) -> dict[str, float]:
    """Return `<part>_loss` (mean binary cross-entropy, nats) and `<part>_accuracy` at 0.5."""
    clipped = np.clip(p.astype(np.float64), 1e-7, 1 - 1e-7)
    loss = -np.mean(y * np.log(clipped) + (1 - y) * np.log1p(-clipped))
    return {f"{part}_loss": float(loss), f"{part}_accuracy": float(np.mean((p > 0.5) == (y == 1)))}


def _train_epoch(
    model: "keras.Model", run: ReproductionRun, scaling: str, data: LabelledPixels, epoch: int
) -> dict[str, float]:
    _seed_dropout(model, run.seed, epoch)
    losses, accuracies = [], []
    title = f"Epoch {epoch} of {run.epochs}"
    with tqdm(total=run.iterations, desc=title, unit="step", leave=False, position=1) as bar:
        for indices in draw_batches(run, len(data.labels), epoch):
            target = data.labels[indices].astype(np.float32)[:, None]
            pixels = scale_pixels(data.pixels[indices], scaling)
            # Keras 3.15 returns the figures of this batch alone; batches are all of one size.
            figures = model.train_on_batch(pixels, target, return_dict=True)
            losses.append(float(figures["loss"]))
            accuracies.append(float(figures["accuracy"]))
            bar.set_postfix(loss=f"{np.mean(losses):.4f}", refresh=False)
            bar.update()
    return {
        "epoch": epoch,
        "running_loss": float(np.mean(losses)),
        "running_accuracy": float(np.mean(accuracies)),
    }


def _seed_dropout(model: "keras.Model", seed: int, epoch: int) -> None:
    for index, layer in enumerate(model.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            words = np.random.SeedSequence([seed, epoch, index]).generate_state(2)
            generator.state.assign(words.astype(np.uint32))


def _describe_epoch(run: ReproductionRun, row: dict[str, float]) -> str:
    return (
        f"{run.name}, epoch {row['epoch']:.0f}: loss {row['running_loss']:.4f}, accuracy on train "
        f"{row['train_accuracy']:.1%}, on test {row['test_accuracy']:.1%}"
    )


def _finish(
    run: ReproductionRun,
    model: "keras.Model",
    progress: Progress,
    probabilities: NDArray[np.float32],
    device: str,
) -> RunResult:
    return RunResult(
        run=run,
        parameters=int(model.count_params()),
        history=progress.history,
        probabilities=[float(p) for p in probabilities],
        seconds=progress.seconds,
        made_with={"device": device, **describe_versions()},
    )
