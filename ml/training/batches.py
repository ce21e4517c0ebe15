"""Batch generation: changed training images, made while the network works on the batch before."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.training.augmentation import augment_image
from ml.training.plans import TrainingPlan


@dataclass(frozen=True, slots=True)
class LabelledPixels:
    """Images as uint8 (n, size, size, 3) and labels as int64 (n,), 1 = malignant."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


def split_batches(order: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Yield `order` in pieces of `size`, the last one possibly smaller."""
    for start in range(0, len(order), size):
        yield order[start : start + size]


def count_steps(plan: TrainingPlan, images: int) -> int:
    """Return the batches of one epoch: a size that changes would be compiled twice, so whole ones only."""
    if plan.training_sizes:
        return max(1, images // plan.batch_size)
    return -(-images // plan.batch_size)


def make_batches(
    plan: TrainingPlan, data: LabelledPixels, epoch: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """Yield (pixels uint8 (n, side, side, 3), targets float32 (n, 1)) of one epoch.

    Order and changes depend on the plan's seed, the epoch and the image alone: not on threads,
    nor on what ran before.
    """
    order = np.random.default_rng([plan.seed, epoch]).permutation(len(data.labels))
    pieces = list(split_batches(order, plan.batch_size))[: count_steps(plan, len(order))]

    def make(indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        return np.stack([_change(plan, data.pixels[index], epoch, int(index)) for index in indices])

    with ThreadPoolExecutor(1, thread_name_prefix="augment") as pool:
        ahead: Future[NDArray[np.uint8]] = pool.submit(make, pieces[0])
        for number, indices in enumerate(pieces):
            pixels = ahead.result()
            if number + 1 < len(pieces):
                ahead = pool.submit(make, pieces[number + 1])
            yield pixels, data.labels[indices].astype(np.float32)[:, None]


def _change(plan: TrainingPlan, image: NDArray[np.uint8], epoch: int, index: int) -> NDArray[np.uint8]:
    generator = np.random.default_rng([plan.seed, epoch, index])
    return augment_image(image, plan.augmentation, generator, side=plan.size_in(epoch))
