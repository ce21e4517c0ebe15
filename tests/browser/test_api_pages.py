"""What the API is, drawn in the browser: nothing foreign is asked for, and nothing is refused."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.support.live_stack import LiveStack


def test_reference_asks_for_nothing_foreign(open_as: Callable[..., Page], portal: LiveStack) -> None:
    page = open_as("clinician")
    foreign: list[str] = []
    page.on(
        "request",
        lambda one: foreign.append(one.url) if not one.url.startswith((portal.url, "data:")) else None,
    )

    page.goto("/api/v1/docs/")
    expect(page.get_by_text("Submit images of a lesion")).to_be_attached()

    assert foreign == []
