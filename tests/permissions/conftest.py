"""One world for all tests of a module: each test, and in it each caller, takes back what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portal.operations.health.probes import Probe
from tests.permissions.world import World, build_world
from tests.support.shared_rows import shared_rows


@pytest.fixture(scope="module")
def shared_world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with shared_rows(django_db_blocker, tmp_path_factory.mktemp("stores")):
        world = build_world()
        world.let_in()
        yield world


@pytest.fixture
def world(shared_world: World, db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    # No broker is asked: a thousand requests would each wait for it.
    for name in ("broker", "worker"):
        probe = Probe(name, True, "Not asked in this test.")
        monkeypatch.setattr(f"portal.operations.health.probes.probe_{name}", lambda probe=probe: probe)
    # The log-ins of a module are older than its last requests, and each would note anew that its person is there.
    monkeypatch.setattr("portal.trust.accounts.sessions.limits.STAMP_SECONDS", 3600.0)
    return shared_world


@pytest.fixture(autouse=True)
def shared_middleware(monkeypatch):
    """The middleware is loaded once for the thousands of clients here: no test of this folder changes settings of it."""
    monkeypatch.setattr("tests.permissions.world.is_sharing", [True])
