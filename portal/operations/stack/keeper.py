"""Process supervision: start a program, restart it after a fault, stop it with all that it started.

Run as a script, on the standard library alone, so that a keeper costs a few megabytes:

    python -P portal/operations/stack/keeper.py --name web --pid-file var/run/web.pid -- gunicorn …

The chain of lives: supervisor → keeper → program → its children. Each asks the kernel to be
signalled when the one before it dies, so that even SIGKILL of the supervisor leaves no process.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

EX_CONFIG = 78  # sysexits.h: the program says that its configuration is wrong
PR_SET_PDEATHSIG = 1
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
# A program that lived this long had started well: the next fault begins a new count.
STEADY_SECONDS = 20.0
TRIES = 6
STOP = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def end_with_parent(signal_number: int = signal.SIGKILL, *, parent: int | None = None) -> None:
    """Be sent `signal_number` when the parent process dies, however it dies (Linux)."""
    parent = parent or os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal_number)


def print_sentence(sentence: str) -> None:
    print(sentence, flush=True)


@dataclass
class Backoff:
    """Decide after each exit: how long to wait, or to give up."""

    name: str
    delay: float = FIRST_DELAY
    faults: int = 0

    def next_delay(self, code: int, lived: float) -> float | None:
        """Return the seconds to wait before the next start, or None to give up.

        A program that is killed (negative code: out of memory, a test, an operator) is started
        again for ever; one that ends by itself soon after each start has a fault that no restart
        mends.
        """
        if code == EX_CONFIG:
            print_sentence(f"{self.name}: its configuration is wrong (see above); it is not started again.")
            return None
        if lived >= STEADY_SECONDS:
            self.delay, self.faults = FIRST_DELAY, 0
        if code >= 0:
            self.faults += 1
        if self.faults >= TRIES:
            print_sentence(
                f"{self.name}: ended {self.faults} times soon after its start; giving up. The reason is above."
            )
            return None
        delay = self.delay
        self.delay = min(self.delay * 2, LONGEST_DELAY)
        return delay


@dataclass
class Keeper:
    name: str
    command: list[str]
    pid_file: Path
    grace: float
    parent: int = field(default_factory=os.getppid)

    def run(self) -> int:
        """Keep the program until told to stop (0) or until it can't be kept (its exit code)."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {*STOP, signal.SIGCHLD})
        end_with_parent(signal.SIGTERM, parent=self.parent)
        backoff = Backoff(self.name)
        while True:
            started = time.monotonic()
            program = self.start()
            if self.wait(program):
                self.stop(program)
                return 0
            self.clear(program)
            code = program.returncode
            delay = backoff.next_delay(code, time.monotonic() - started)
            if delay is None:
                return code or 1
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
            print_sentence(f"{self.name} {how}; starting it again in {delay:g} s.")
            if signal.sigtimedwait(STOP, delay):
                return 0

    def start(self) -> subprocess.Popen[bytes]:
        keeper = os.getpid()

        def prepare_child() -> None:
            signal.pthread_sigmask(signal.SIG_SETMASK, set())
            end_with_parent(signal.SIGKILL, parent=keeper)

        program = subprocess.Popen(
            self.command,
            start_new_session=True,
            preexec_fn=prepare_child,  # noqa: PLW1509 - the keeper has one thread
        )
        draft = self.pid_file.with_suffix(".new")
        draft.write_text(str(program.pid))
        draft.rename(self.pid_file)
        return program

    def wait(self, program: subprocess.Popen[bytes]) -> bool:
        """Wait until the program ends (False) or someone asks to stop (True)."""
        while program.poll() is None:
            received = signal.sigtimedwait({*STOP, signal.SIGCHLD}, 1.0)
            if received and received.si_signo in STOP:
                return True
            if os.getppid() != self.parent:
                return True
        return False

    def stop(self, program: subprocess.Popen[bytes]) -> None:
        """Ask, wait for the grace, then insist. What it was doing is in the database."""
        with contextlib.suppress(ProcessLookupError):
            program.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(self.grace)
        self.clear(program)
        program.wait()

    def clear(self, program: subprocess.Popen[bytes]) -> None:
        """End what the program started and left behind; forget its number."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        self.pid_file.unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Keep one program running.")
    parser.add_argument("--name", required=True)
    parser.add_argument("--pid-file", required=True, type=Path)
    parser.add_argument("--grace", type=float, default=8.0, help="seconds between asking to stop and killing")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    return Keeper(options.name, options.command, options.pid_file, options.grace).run()


if __name__ == "__main__":
    sys.exit(main())
