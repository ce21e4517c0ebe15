"""Bring what `sealing` sealed under the present SECRET_KEY, so that a former one can be given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Resealer = Callable[[], int]

RESEALERS: dict[str, Resealer] = {}
"""What there is, in words, and what seals it anew and says how many rows that were."""


def resealer(words: str) -> Callable[[Resealer], Resealer]:
    """Have `rotate_encryption` call this. It may be stopped at any row and begun again."""

    def register(function: Resealer) -> Resealer:
        RESEALERS[words] = function
        return function

    return register
