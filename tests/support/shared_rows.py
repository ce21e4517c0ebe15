"""Rows that all tests of a module begin with: made once, taken back after the last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import override_settings

FILES = "django.core.files.storage.FileSystemStorage"


@contextmanager
def shared_rows(blocker: Any, folder: Path) -> Iterator[None]:
    """What is made inside stays while this is open, with stores of its own; tests work in savepoints."""
    stores = {
        name: {"BACKEND": FILES, "OPTIONS": {"location": folder / name}} for name in ("sealed", "derived")
    }
    with blocker.unblock(), override_settings(STORAGES={**settings.STORAGES, **stores}):
        outermost = transaction.atomic()
        # As in Django's own TestCase: this transaction is the test's, not the site's.
        outermost._from_testcase = True
        with outermost:
            yield
            transaction.set_rollback(True)
