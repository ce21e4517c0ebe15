"""One world for all tests of a module: each test, and in it each caller, takes back what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings

from portal.health.probes import Probe
from tests.permissions.world import World, build_world

FILES = "django.core.files.storage.FileSystemStorage"


@pytest.fixture(scope="module")
def shared_world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    from django.conf import settings

    root = tmp_path_factory.mktemp("stores")
    stores = {
        name: {"BACKEND": FILES, "OPTIONS": {"location": root / name}} for name in ("sealed", "derived")
    }
    with django_db_blocker.unblock(), override_settings(STORAGES={**settings.STORAGES, **stores}):
        outermost = transaction.atomic()
        # As in Django's own TestCase: this transaction is the test's, not the site's.
        outermost._from_testcase = True
        with outermost:
            yield build_world()
            transaction.set_rollback(True)


@pytest.fixture
def world(shared_world: World, db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    # No broker is asked: a thousand requests would each wait for it.
    for name in ("broker", "worker"):
        probe = Probe(name, True, "Not asked in this test.")
        monkeypatch.setattr(f"portal.health.probes.probe_{name}", lambda probe=probe: probe)
    return shared_world
