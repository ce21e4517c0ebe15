"""A bar on a terminal, and nothing where there is none."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


def make_bar(total: int, words: str, *, quiet: bool) -> tqdm[Any]:
    return tqdm(total=total, unit="case", desc=words, file=sys.stderr, disable=True if quiet else None)
