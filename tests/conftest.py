"""Fixtures that every kind of test shares."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from tests.support import migrated_database
from tests.support.live_stack import LiveStack

TESTS = Path(__file__).parent
STACK_TIMEOUT = 600
BROWSER = (
    *("browser/new_case/", "browser/walks/", "browser/test_access.py", "browser/test_letting_in.py"),
    *("security/test_stored_xss.py", "acceptance/test_gates_live.py"),
)
STACK = (
    *("acceptance/test_fhir", "acceptance/test_integrator", "acceptance/test_isic"),
    *("browser/", "faults/", "portal/stack/test_live.py", "classifier/webhooks/test_live.py"),
)
LONGEST = (
    *("stack", "browser", "permissions", "classifier/api/test_schema", "classifier/models/test_upgrade"),
    *("portal/stack/test_ends", "classifier/demo", "ml"),
)
"""Beginnings of groups that no process may be left alone with at the end of a run."""

# What a machine beside other work takes for one example says nothing of what was tried.
hypothesis.settings.register_profile(
    "anywhere", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("anywhere")

# Playwright's synchronous interface keeps an event loop in this thread for the rest of the run;
# without this Django refuses the database to every test after the first browser test.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


class Groups(LoadScopeScheduling):
    """Run side by side (-n), tests on the shared stack stay in one process, and so do those in a browser.

    The others stay with their module. The marks of pytest-xdist 3.8 for this don't reach pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return name_group(nodeid.partition("::")[0].removeprefix("tests/"))


def name_group(path: str) -> str:
    if path.startswith(BROWSER):
        return "browser"
    return "stack" if path.startswith(STACK) else path


def pytest_configure(config: pytest.Config) -> None:
    """Several processes find the database to copy made while they collect, not each waiting for the first."""
    is_first = getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput")
    if is_first and "DATABASE_URL" not in os.environ:
        command = [sys.executable, "-m", migrated_database.__name__]
        config.add_cleanup(subprocess.Popen(command, cwd=TESTS.parent, stderr=subprocess.DEVNULL).wait)


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores, for two of them mostly wait for a stack or a browser; four at most."""
    return min(4, len(os.sched_getaffinity(0)) + 1)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on real processes take longer, and carry the mark that lets one leave them out.

    What takes longest begins first.
    """
    for item in items:
        for fixture, group in (("live_stack", "stack"), ("gated_stack", "browser")):
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.stack)
                assert group_of(item) == group, f"{item.nodeid} belongs to {group.upper()}"
        if item.get_closest_marker("stack") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(STACK_TIMEOUT))
    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """What was loaded until now stays: the garbage collector needn't look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def group_of(item: pytest.Item) -> str:
    return name_group(item.path.relative_to(TESTS).as_posix())


def rank(item: pytest.Item) -> int:
    group = group_of(item)
    return next((place for place, start in enumerate(LONGEST) if group.startswith(start)), len(LONGEST))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--whole",
        action="store_true",
        help="ask the campaigns of all their images: 300 while processes are killed, the whole test split",
    )


@pytest.fixture(scope="session")
def is_whole(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("whole"))


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> None:
    """Tests that commit end by emptying what they filled."""
    # Django is set up after this file is read.
    from django.test import TransactionTestCase

    from tests.support.empty_tables import empty_tables

    TransactionTestCase._fixture_teardown = empty_tables


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None) -> bool:
    """Begin with a copy of a migrated database; what Django would do first to its own is done.

    Its name is known once each process of a run has put its own behind it.
    """
    from django.db import connection

    name = connection.creation._get_test_db_name()
    if connection.vendor == "sqlite":
        migrated_database.copy_migrated(Path(name))
    else:
        migrated_database.create_migrated(os.environ["DATABASE_URL"], name)
    return True


@pytest.fixture(autouse=True)
def wake_ups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Wake-ups that would have been sent, by the name of their task: most tests have no broker."""
    from portal.celery import app

    sent: list[str] = []
    # By the fixture that tests patch with, so that all is undone in the order in which it was done.
    monkeypatch.setattr(app, "send_task", lambda name, **_: sent.append(name))
    return sent


@pytest.fixture
def clinics(db: None) -> Any:
    """Two clinics with a person in each role, so that nothing is right because there is but one."""
    # The models are there once Django is set up, which is after this file is read.
    from tests.factories import two_clinics

    return two_clinics()


@pytest.fixture(scope="session")
def live_stack(tmp_path_factory: pytest.TempPathFactory, is_whole: bool) -> Iterator[LiveStack]:
    """The running portal (see LiveStack), with leases short enough to watch them expire.

    Its worker claims few rows at once, so that few images are several claims; with --whole as many as it ships with.
    """
    stack = LiveStack(
        tmp_path_factory.mktemp("live") / "var",
        TEST_TASK_SOFT_SECONDS="20",
        TEST_TASK_HARD_SECONDS="25",
        TEST_LEASE_SECONDS="30",
        TEST_RECONCILE_SECONDS="5",
        **({} if is_whole else {"TEST_BATCH_SIZE": "8"}),
    )
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def gated_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """The running portal as it ships, on a new machine: behind its gates, with its default network.

    Its supervisor is killed at the end, and nothing that it started may be left.
    """
    stack = LiveStack(
        tmp_path_factory.mktemp("gated") / "var",
        is_new=True,
        TEST_GATES="1",
        TEST_DEFAULT_MODEL="efficientnetv2-b0",
        # Tests send it one or two images at a time.
        TEST_BATCH_SIZE="2",
    )
    stack.start()
    yield stack
    assert len(stack.supervisor.children(recursive=True)) > 7
    stack.stop(signal.SIGKILL)
