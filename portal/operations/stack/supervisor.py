"""Honcho runs the keepers and mixes their output; this adds order, readiness and a clean end."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import honcho.manager
from honcho.manager import Manager
from honcho.process import Process

from portal.operations.stack.configuration import PROJECT, StackConfiguration
from portal.operations.stack.keeper import end_with_parent
from portal.operations.stack.programs import BROKER, list_programs
from portal.operations.stack.readiness import Readiness

# Honcho's own five seconds would cut off a keeper that waits for its program to end.
honcho.manager.KILL_WAIT = 20

# TensorFlow's notes on its own build: written before any setting that would silence them.
NOISE = (b"WARNING: All log messages before absl::InitializeLog()", b"I0000 00:00:")


class TiedProcess(Process):
    """A honcho process that dies with the supervisor and tells the keeper whose child it is."""

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:  # noqa: FBT001, FBT002 - honcho's
        end_with_parent(signal.SIGKILL)
        super().run(events, ignore_signals)

    def _send_message(self, data: Any, type: str = "line") -> None:  # noqa: A002 - honcho's
        if type == "line" and isinstance(data, bytes) and (not data.strip() or data.startswith(NOISE)):
            return
        super()._send_message(data, type)


class Supervisor(Manager):
    def __init__(self, configuration: StackConfiguration) -> None:
        super().__init__()
        self._process_ctor = TiedProcess
        self._configuration = configuration
        self._readiness = Readiness(configuration, self._system_print)
        self._broker_told = False
        environment = configuration.environment()
        for program in list_programs(configuration):
            self.add_process(
                program.name,
                program.kept_command(configuration),
                env={**environment, **program.environment},
                cwd=str(PROJECT),
            )

    def run(self) -> int:
        """Start everything and watch it until told to stop; return the exit code."""
        self._configuration.worker_ready.unlink(missing_ok=True)
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        self.loop()
        asked = self.returncode in {128 + signal.SIGINT, 128 + signal.SIGTERM}
        return 0 if asked else self.returncode or 1

    def _start(self) -> None:
        super()._start()
        # After the forks: a thread must not be forked away.
        threading.Thread(target=self._readiness.announce, daemon=True).start()

    def terminate(self) -> None:
        self._readiness.stop()
        super().terminate()

    def _killall(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - honcho's
        """End the broker last: a worker without it would wait for it instead of ending."""
        if force or BROKER not in self._processes:
            super()._killall(force)
            return
        broker = self._processes.pop(BROKER)
        try:
            super()._killall(force)
        finally:
            self._processes[BROKER] = broker

    def _all_stopped(self) -> bool:
        others = [state for name, state in self._processes.items() if name != BROKER]
        broker = self._processes.get(BROKER)
        ended = all(state.get("returncode") is not None for state in others)
        if broker is None or not (ended and self._terminating):
            return bool(super()._all_stopped())
        if not self._broker_told and broker.get("returncode") is None:
            self._broker_told = True
            self._procmgr.terminate(broker["pid"])
        return broker.get("returncode") is not None

    def _system_print(self, data: str) -> None:
        """Drop honcho's own accounting of pids and signals."""
        if " started (pid=" in data or " stopped (rc=" in data or data.startswith("sending "):
            return
        super()._system_print(data)
