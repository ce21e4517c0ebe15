"""Two clinics that each hold one of everything: whose own things are aimed at, and who aims."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.storage import storages
from django.utils import timezone

from classifier.webhooks import ssrf_guard
from portal.operations.health.probes import Probe
from tests.factories import TwoClinics
from tests.permissions.world import World, build_world
from tests.support.shared_rows import shared_rows

PUBLIC = "93.184.216.34"


@dataclass(frozen=True)
class Sides:
    """Each clinic as the `own` of a world. Who attacks belongs to `mine` alone."""

    mine: World
    theirs: World


@pytest.fixture
def stores(settings, tmp_path) -> None:
    for name in ("sealed", "derived"):
        backend = {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / name},
        }
        settings.STORAGES = {**settings.STORAGES, name: backend}
    assert storages["sealed"].location == str(tmp_path / "sealed")


@pytest.fixture
def no_outside(monkeypatch) -> None:
    """No broker, no resolver: a thousand requests would each wait for them."""
    for name in ("broker", "worker"):
        probe = Probe(name, True, "Not asked in this test.")
        monkeypatch.setattr(f"portal.operations.health.probes.probe_{name}", lambda probe=probe: probe)
    monkeypatch.setattr(ssrf_guard.socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (PUBLIC, 443))])


@pytest.fixture(scope="module")
def shared_sides(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sides]:
    with shared_rows(django_db_blocker, tmp_path_factory.mktemp("stores")):
        theirs = build_world()
        side = theirs.side
        mine = build_world(
            TwoClinics(own=side.other, other=side.own, outsider=side.outsider, operator=side.operator)
        )
        for world in (mine, theirs):
            world.let_in()
        yield Sides(mine=mine, theirs=theirs)


@pytest.fixture
def sides(shared_sides: Sides, db: None, no_outside: None) -> Sides:
    """Made once for a module: each test takes back what it changes."""
    return shared_sides


@pytest.fixture
def later() -> Any:
    return lambda **how: timezone.now() + dt.timedelta(**how)
