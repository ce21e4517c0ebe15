"""What the API is, drawn in the browser: nothing foreign is asked for, and nothing is refused."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect


def test_reference_asks_for_nothing_foreign(open_as: Callable[..., Page]) -> None:
    page = open_as("clinician")
    foreign: list[str] = []
    site = page.url.rstrip("/")
    page.on(
        "request", lambda one: foreign.append(one.url) if not one.url.startswith((site, "data:")) else None
    )

    page.goto("/api/v1/docs/")
    expect(page.get_by_text("Submit images of a lesion")).to_be_attached()

    assert foreign == []
