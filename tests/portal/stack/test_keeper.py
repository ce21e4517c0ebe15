"""The keeper as it runs: a script that starts, restarts and ends a program."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from portal.operations.stack.keeper import EX_CONFIG, LONGEST_DELAY, TRIES, Backoff
from portal.operations.stack.programs import KEEPER

SLEEPER = "import time; time.sleep(600)"
# A program with a child of its own, as web and worker have.
PARENT = "import subprocess, sys; subprocess.Popen(['sleep', '600']); import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


class Kept:
    def __init__(self, folder: Path, code: str, grace: float = 5) -> None:
        self.pid_file = folder / "sleeper.pid"
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.keeper = subprocess.Popen(
                [
                    *(sys.executable, "-P", str(KEEPER), "--name", "sleeper", "--grace", str(grace)),
                    *("--pid-file", str(self.pid_file), "--", sys.executable, "-c", code),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def pid(self) -> int | None:
        try:
            return int(self.pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None


def wait_for(look: Callable[[], Any], seconds: float = 15) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Callable[..., Kept]]:
    started: list[Kept] = []

    def start(code: str, **options: float) -> Kept:
        started.append(Kept(tmp_path, code, **options))
        return started[-1]

    yield start
    for kept in started:
        if kept.keeper.poll() is None:
            kept.keeper.kill()
        kept.keeper.wait()


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_killed_program_is_started_again(keep):
    kept = keep(SLEEPER)
    first = wait_for(kept.pid)

    os.kill(first, signal.SIGKILL)

    second = wait_for(lambda: kept.pid() if kept.pid() not in {None, first} else None)
    assert psutil.Process(second).is_running()
    assert "sleeper was ended by SIGKILL" in kept.log.read_text()


def test_asked_to_stop_it_leaves_nothing(keep):
    kept = keep(PARENT)
    program = wait_for(kept.pid)
    child = wait_for(psutil.Process(program).children)[0].pid

    kept.keeper.terminate()

    assert kept.keeper.wait(15) == 0
    assert is_gone(program)
    wait_for(lambda: is_gone(child))
    assert not kept.pid_file.exists()


def test_program_that_ignores_the_request_is_killed_after_the_grace(keep):
    kept = keep(DEAF, grace=0.5)
    program = wait_for(kept.pid)
    wait_for(lambda: "deaf" in kept.log.read_text())

    kept.keeper.terminate()

    assert kept.keeper.wait(15) == 0
    assert is_gone(program)


def test_killed_keeper_takes_its_program_along(keep):
    kept = keep(SLEEPER)
    program = wait_for(kept.pid)

    kept.keeper.kill()

    wait_for(lambda: is_gone(program))


def test_children_of_a_killed_program_do_not_outlive_it(keep):
    kept = keep(PARENT)
    program = wait_for(kept.pid)
    child = wait_for(psutil.Process(program).children)[0].pid

    os.kill(program, signal.SIGKILL)

    wait_for(lambda: is_gone(child))


def test_wrong_configuration_is_not_tried_again(keep):
    kept = keep(f"raise SystemExit({EX_CONFIG})")

    assert kept.keeper.wait(15) == EX_CONFIG
    assert "its configuration is wrong" in kept.log.read_text()


def test_backoff_doubles_and_gives_up_on_a_program_that_ends_by_itself(capsys):
    backoff = Backoff("web")
    delays = [backoff.next_delay(1, lived=0.1) for _ in range(TRIES)]

    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, None]
    assert "web: ended 6 times soon after its start; giving up." in capsys.readouterr().out


def test_killed_program_is_never_given_up():
    backoff = Backoff("worker")
    delays = [backoff.next_delay(-signal.SIGKILL, lived=0.1) for _ in range(50)]

    assert None not in delays
    assert max(delays) == LONGEST_DELAY


def test_steady_program_begins_a_new_count():
    backoff = Backoff("web")
    for _ in range(TRIES - 1):
        backoff.next_delay(1, lived=0.1)

    assert backoff.next_delay(1, lived=3600) == 0.5
