"""What is trained: two networks, 100 and 200 iterations an epoch, several seeds."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

NETWORKS = ("paper-cnn-1", "paper-cnn-2")
ITERATIONS = (100, 200)
SEEDS = (0, 1, 2, 3, 4)
EPOCHS = 10


@dataclass(frozen=True, slots=True)
class ReproductionRun:
    """One training run of the paper: Adam at Keras's default rate, batches of 32, 10 epochs.

    `iterations` are steps an epoch. The paper gives 10 epochs beside 100 and 200 iterations, and
    one pass over its 2,637 images is 83 batches of 32, so the iterations are neither passes nor
    batches of a pass; Keras's steps an epoch is what leaves both numbers free. Read as steps in
    all instead, they are the first epoch of these runs, which the report shows too.
    `input_size` in pixels.
    """

    architecture: str
    iterations: int
    seed: int
    epochs: int = EPOCHS
    batch_size: int = 32
    learning_rate: float = 0.001
    input_size: int = 224

    @property
    def name(self) -> str:
        """Return what the run is called in folders, tables and columns."""
        return f"{self.architecture}-{self.iterations}-iterations-seed-{self.seed}"

    @property
    def steps(self) -> int:
        """Return the number of training steps of the whole run."""
        return self.epochs * self.iterations

    def to_dict(self) -> dict[str, Any]:
        """Return the run as a JSON object."""
        return asdict(self)


def list_runs(
    architectures: Sequence[str], iterations: Sequence[int], seeds: Sequence[int], **settings: int
) -> list[ReproductionRun]:
    """Return every combination once, all networks of one seed before the next seed.

    So an unfinished set compares the networks already. `settings` are further fields of
    ReproductionRun. Raises ValueError for a number below 1, or below 0 for a seed.
    """
    counts = [*iterations, *settings.values()]
    if min(counts, default=1) < 1 or min(seeds, default=0) < 0:
        raise ValueError(f"Expected iterations and epochs of at least 1 and seeds from 0, received {counts}.")
    unique = product(dict.fromkeys(seeds), dict.fromkeys(iterations), dict.fromkeys(architectures))
    return [ReproductionRun(name, count, seed, **settings) for seed, count, name in unique]


def draw_batches(run: ReproductionRun, images: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    """Yield the `run.iterations` batches of one epoch as indices below `images`, int64 (batch,).

    The images are passed through in an order drawn anew for each pass, batches run on over the
    end of a pass, and an epoch begins with a new pass. The order is set by seed and epoch alone.
    """
    generator = np.random.default_rng([run.seed, epoch])
    ahead = np.empty(0, dtype=np.int64)
    for _ in range(run.iterations):
        while len(ahead) < run.batch_size:
            ahead = np.concatenate([ahead, generator.permutation(images)])
        yield ahead[: run.batch_size]
        ahead = ahead[run.batch_size :]
