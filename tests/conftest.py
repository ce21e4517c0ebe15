"""Fixtures that every kind of test shares."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.live_stack import LiveStack

TESTS = Path(__file__).parent
STACK_TIMEOUT = 600

# Playwright's synchronous interface keeps an event loop in this thread for the rest of the run;
# without this Django refuses the database to every test after the first browser test.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on real processes take longer, and carry the mark that lets one leave them out.

    Run side by side (-n), they share one process and so one stack and one browser; the others stay with
    their module.
    """
    for item in items:
        if "live_stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.stack)
        on_stack = item.get_closest_marker("stack") is not None
        if on_stack and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(STACK_TIMEOUT))
        is_live = on_stack or item.get_closest_marker("browser") is not None
        group = "stack" if is_live else item.path.relative_to(TESTS).as_posix()
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture
def clinics(db: None) -> Any:
    """Two clinics with a person in each role, so that nothing is right because there is but one."""
    # The models are there once Django is set up, which is after this file is read.
    from tests.factories import two_clinics

    return two_clinics()


@pytest.fixture(scope="session")
def live_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """The running portal (see LiveStack), with leases short enough to watch them expire."""
    stack = LiveStack(
        tmp_path_factory.mktemp("live") / "var",
        DERMAPORT_TASK_SOFT_SECONDS="20",
        DERMAPORT_TASK_HARD_SECONDS="25",
        DERMAPORT_LEASE_SECONDS="30",
        DERMAPORT_RECONCILE_SECONDS="5",
        # Receivers of webhooks stand on this machine.
        DERMAPORT_WEBHOOK_LOOPBACK="1",
    )
    stack.start()
    yield stack
    stack.stop()
