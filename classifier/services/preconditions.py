"""Do it only to what its sender has read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.entity_tags import tag_of
from classifier.services.errors import ChangedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db import models

ANY = "*"


def check_unchanged(row: models.Model, expected: Collection[str] | None) -> None:
    """Raise ChangedError (changed_meanwhile) unless `row`, locked, has one of the `expected` tags.

    None expects nothing. The row is to be locked by the transaction that then changes it: of two
    that read the same tag, the second one is told.
    """
    if expected is None or ANY in expected or tag_of(row) in expected:
        return
    raise ChangedError(
        "changed_meanwhile",
        "Somebody changed this after you read it. Read it again, then repeat your change.",
    )
