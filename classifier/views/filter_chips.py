"""Filters as links: each chip is this address with one parameter changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from portal.accounts.requests import PortalRequest


def build_address(request: PortalRequest, **changes: str) -> str:
    """The address of this list with some parameters changed; an empty one is left out, and so is the page."""
    query = request.GET.copy()
    query.pop("page", None)
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path


def build_group(
    request: PortalRequest,
    name: str,
    label: str,
    choices: Iterable[tuple[str, str]],
    *,
    current: str,
    outcomes: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """One group for components/filter_chips.html; pressing the active chip takes it off."""
    return {
        "label": label,
        "options": [
            {
                "label": words,
                "url": build_address(request, **{name: "" if value == current else value}),
                "active": value == current,
                "outcome": value if value in outcomes else "",
            }
            for value, words in choices
        ],
    }
