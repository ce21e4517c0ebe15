"""However a stack ends, none of its processes is left.

The supervisor, its keepers and their orders are real; in place of the portal's programs something sleeps that has a child
of its own. With the real programs: every `LiveStack.stop` asks the same, and `gated_stack` ends by a killed supervisor.
"""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from portal.operations.stack.configuration import PROJECT
from tests.support.live_stack import wait_until_gone
from tests.support.migrated_database import copy_migrated

PROGRAMS = 5
SUPERVISE = """
import sys
from dataclasses import replace
from portal.operations.stack import supervisor
from portal.operations.stack.configuration import StackConfiguration
from portal.operations.stack.programs import list_programs

def list_stand_ins(configuration):
    asleep = ["sh", "-c", "sleep 600 & wait"]
    return [
        program if program.name in sys.argv[1:] else replace(program, command=asleep)
        for program in list_programs(configuration)
    ]

supervisor.list_programs = list_stand_ins
sys.exit(supervisor.Supervisor(StackConfiguration.from_environment()).run())
"""


@pytest.fixture
def supervise(tmp_path):
    """Start the supervisor; the programs that are named are the portal's own."""
    started = []

    def start(*real, **environment):
        (tmp_path / "run").mkdir()
        settings = {"DJANGO_SETTINGS_MODULE": "tests.support.live_settings", "DERMAPORT_VAR": str(tmp_path)}
        others = {
            name: text for name, text in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
        }
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISE, *real],
                cwd=PROJECT,
                env={**others, **settings, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_until_asleep(process):
    """All processes below the supervisor, once every stand-in runs."""
    deadline = time.monotonic() + 60
    while True:
        below = psutil.Process(process.pid).children(recursive=True)
        if sum(one.name() == "sleep" for one in below) == PROGRAMS:
            return below
        assert time.monotonic() < deadline, below
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGHUP, 0), (signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["terminal hangs up", "Ctrl-C", "stopped", "killed"],
)
def test_no_process_is_left(supervise, tmp_path, number, status):
    process = supervise()
    below = wait_until_asleep(process)

    process.send_signal(number)

    assert process.wait(60) == status
    wait_until_gone(below)
    if status == 0:
        assert list((tmp_path / "run").glob("*.pid")) == []


def test_wrong_configuration_stops_the_stack_with_its_sentence(supervise, tmp_path):
    """The worker is the real one."""
    copy_migrated(tmp_path / "db.sqlite3")
    process = supervise("worker", TEST_VISIBILITY_SECONDS="10")

    assert process.wait(240) not in {0, -signal.SIGKILL}
    said = (tmp_path / "log").read_text()
    assert "The visibility timeout (10 s) must be longer than the hard time limit" in said
    assert "its configuration is wrong (see above); it is not started again" in said
    assert list((tmp_path / "run").glob("*.pid")) == []
