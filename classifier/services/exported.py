"""An export on its way out: its lines, and how many rows stayed behind for want of consent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Export:
    """Iterated once, line by line; `left_out` counts rows whose patient withdrew the consent."""

    lines: Iterator[str]
    left_out: int = 0

    def __iter__(self) -> Iterator[str]:
        return self.lines
