"""Send the demo's cases through the running pipeline, so that the history fills while one looks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from portal.operations.stack.configuration import PROJECT, StackConfiguration
from portal.operations.stack.keeper import end_with_parent
from portal.settings.environment import read_switch

PACE_SECONDS = "0.3"


class DemoCases:
    """Runs in the readiness thread, which waits for it: its process ends with that thread."""

    def __init__(self, configuration: StackConfiguration, print_text: Callable[[str], None]) -> None:
        self._configuration = configuration
        self._print = print_text
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    @property
    def is_due(self) -> bool:
        wanted = read_switch("DERMAPORT_DEMO", default=True)
        return wanted and self._configuration.demo_log_ins.exists() and not self._mark.exists()

    def run(self) -> None:
        """Submit what is not there yet. An interrupted run is taken up by the next start."""
        if self._stopped or not self.is_due:
            return
        self._print("Invented cases are being submitted; watch them arrive.\n")
        supervisor = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "create_demo", "--cases", "--pace", PACE_SECONDS],
            cwd=PROJECT,
            env=self._configuration.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: end_with_parent(signal.SIGKILL, parent=supervisor),  # noqa: PLW1509
        )
        output = self._process.communicate()[0]
        if self._process.returncode == 0:
            self._mark.touch()
        if not self._stopped:
            self._print(output)

    def stop(self) -> None:
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    @property
    def _mark(self) -> Path:
        return self._configuration.run / "demo-cases.done"
