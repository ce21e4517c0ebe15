"""The network alone: decoded batches through it, N images at each line that comes in.

python -m tests.benchmarks.bare ml/weights/paper-cnn-2.h5 32
"""

import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import numpy as np

from ml.serving.prediction import Predictor
from ml.serving.specification import ModelSpecification
from tests.support.live_stack import PROJECT


def main() -> None:
    path, batch = Path(sys.argv[1]), int(sys.argv[2])
    specification = ModelSpecification.load(path.with_suffix(".json"))
    predictor = Predictor(specification, path)
    predictor.warm_up([batch])
    chance = np.random.default_rng(1)
    images = list(chance.integers(0, 256, (batch, *specification.input_size, 3), dtype=np.uint8))
    print("ready", flush=True)
    for line in sys.stdin:
        count = int(line)
        started = time.perf_counter()
        for start in range(0, count, batch):
            predictor.predict(images[: min(batch, count - start)])
        print(time.perf_counter() - started, flush=True)


class BareNetwork:
    """That program in a process of its own; idle between measurements."""

    def __init__(self, model: Path, batch: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.bare", str(model), str(batch)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._read()

    def measure(self, count: int) -> float:
        """Images a second over `count` images."""
        assert self._process.stdin
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        return count / float(self._read())

    def _read(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the network alone ended early"
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


if __name__ == "__main__":
    main()
