"""Log-safe addresses: our own words and opaque ids, nothing that a caller made up."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from django.urls import URLResolver, get_resolver

if TYPE_CHECKING:
    from collections.abc import Iterator

OPAQUE = re.compile(r"\d{1,12}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WORD = re.compile(r"[A-Za-z][\w.$-]*")


def hide_words(path: str) -> str:
    """`path` with "…" for each part that is neither a word of our routes nor an opaque id."""
    if path.startswith("/static/"):
        return path
    return "/".join(part if _is_ours(part) else "…" for part in path.split("/"))


def _is_ours(part: str) -> bool:
    return not part or part in _known_words() or OPAQUE.fullmatch(part) is not None


@cache
def _known_words() -> frozenset[str]:
    return frozenset(_walk(get_resolver()))


def _walk(resolver: URLResolver) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        # "patients/<uuid:pk>/edit/": converters and groups are no words.
        for part in str(pattern.pattern).strip("^$").split("/"):
            if WORD.fullmatch(part):
                yield part
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern)
