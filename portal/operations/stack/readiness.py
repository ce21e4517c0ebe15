"""Say so once the web answers and the worker waits for work."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from http import HTTPStatus

from portal.operations.stack.configuration import StackConfiguration
from portal.operations.stack.demo import DemoCases

SLOW_SECONDS = 60.0


class Readiness:
    def __init__(self, configuration: StackConfiguration, print_text: Callable[[str], None]) -> None:
        self._configuration = configuration
        self._print = print_text
        self._demo = DemoCases(configuration, print_text)
        self._stopped = threading.Event()
        self._started = time.monotonic()

    def stop(self) -> None:
        self._stopped.set()
        self._demo.stop()

    def announce(self) -> None:
        told_slow = False
        while not self._stopped.wait(0.2):
            if self.is_ready():
                self._print(self.banner())
                self._demo.run()
                return
            if not told_slow and time.monotonic() - self._started > SLOW_SECONDS:
                told_slow = True
                self._print(
                    f"Not ready after {SLOW_SECONDS:.0f} s; still waiting. The lines above may say why.\n"
                )

    def is_ready(self) -> bool:
        return self._configuration.worker_ready.exists() and self.web_answers()

    def web_answers(self) -> bool:
        request = urllib.request.Request(f"{self._configuration.address}/health/ready")  # noqa: S310 - our own
        try:
            with urllib.request.urlopen(request, timeout=2) as response:  # noqa: S310
                return bool(response.status == HTTPStatus.OK and json.load(response)["status"] == "ready")
        except (OSError, ValueError):
            return False

    def banner(self) -> str:
        lines = ["", f"Dermaport is ready: {self._configuration.address}"]
        log_ins = self._configuration.demo_log_ins
        if log_ins.exists():
            lines += ["", *log_ins.read_text().splitlines()]
        lines += ["", "Ctrl-C stops it.", ""]
        return "\n".join(lines) + "\n"
