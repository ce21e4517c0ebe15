"""Bypass: the one way round the triggers of `portal.trust.common.immutability`, for those tables that allow it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from django.db import transaction

from portal.trust.common.models import ChangeBypass

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def bypass_immutability(reason: str) -> Iterator[None]:
    """A transaction in which signed reviews and gated images may be erased or encrypted anew.

    Audit events and finished predictions have no bypass.
    """
    with transaction.atomic():
        bypass = ChangeBypass.objects.create(reason=reason)
        yield
        bypass.delete()
