"""Measure the running stack: many images at once, and one at a time."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.factories import draw_jpeg
from tests.support.live_clinic import LiveClinic
from tests.support.live_stack import LiveStack

POLL_SECONDS = 0.002
LONGEST_SECONDS = 600.0


class Engine:
    def __init__(self, stack: LiveStack, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        self.clinic = LiveClinic(stack)
        self._drawn = 0

    def draw(self, count: int, name: str) -> Path:
        """A folder of `count` new 224×224 JPEGs."""
        target = self.folder / name
        target.mkdir()
        for _ in range(count):
            self._drawn += 1
            (target / f"{self._drawn:06}.jpg").write_bytes(draw_jpeg(self._drawn))
        return target

    def measure_throughput(self, count: int, name: str) -> float:
        """Images a second from all queued to all committed."""
        folder = self.draw(count, name)
        with self.worker_held():
            self.clinic.submit_folder(folder, self.folder / f"{name}.jsonl")
            waiting = self.count_unfinished()
            started = time.perf_counter()
        self.wait_until_idle()
        return waiting / (time.perf_counter() - started)

    def measure_latency(self, count: int) -> list[float]:
        """Seconds from sending one image over HTTP to its committed result, one after another."""
        files = sorted(self.draw(count + 1, "single").iterdir())
        session = self.clinic.log_in()
        found = []
        for file in files:
            started = time.perf_counter()
            self.clinic.submit(session, file)
            self.wait_until_idle()
            found.append(time.perf_counter() - started)
        return found[1:]

    @contextlib.contextmanager
    def worker_held(self) -> Iterator[None]:
        """The worker's main process stands still, so that nothing is taken from the queue."""
        pid = self.stack.pid("worker")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def count_unfinished(self) -> int:
        query = "SELECT count(*) FROM classifier_prediction WHERE state IN ('queued', 'running')"
        return int(self.stack.query(query)[0][0])

    def wait_until_idle(self) -> None:
        deadline = time.monotonic() + LONGEST_SECONDS
        while self.count_unfinished():
            assert time.monotonic() < deadline, self.stack.read_log()[-4000:]
            time.sleep(POLL_SECONDS)


def percentile(values: list[float], share: float) -> float:
    return float(np.percentile(values, share))
