"""The character that PostgreSQL refuses: what holds it is refused before it is looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http import QueryDict

NUL = "\x00"


def holds_nul(given: QueryDict) -> bool:
    return any(NUL in value for _, values in given.lists() for value in values)
