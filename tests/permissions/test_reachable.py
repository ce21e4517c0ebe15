"""Whatever a person may open is found by links from the start page, and no link leads nowhere."""

from __future__ import annotations

from collections import defaultdict
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve

from tests.permissions.expectations import OK
from tests.permissions.matrix import MATRIX
from tests.permissions.world import World

PEOPLE = ["own.clinician", "own.dermatologist", "own.administrator", "own.integration", "guest", "operator"]
PEOPLE += ["outsider", "emergency"]

ASKED_BY_PAGES = {
    *("home-columns", "submission-status", "session-status", "health-live", "health-ready"),
    # Within "New submission", once a patient is chosen; without script the page shows the same.
    "submission-lesions",
    # The panel that follows a map while it is made.
    "prediction-explanation",
    # And the one that follows an outline.
    "image-outline",
    # The form stands on the page of the case; it has a page of its own once what was sent is refused.
    "submission-order",
}
"""Fragments and probes: a page or a balancer asks for them, nobody goes there."""

BEFORE_OR_AFTER_A_LOG_IN = {
    *("account_login", "account_logout", "account_inactive", "session-back"),
    *("account_reset_password_done", "account_reset_password_from_key"),
    "account_reset_password_from_key_done",
    # From a mail, or from the system that asks.
    *("invitation-open", "invitation-accept", "oauth-authorize", "account_reset_password"),
    # The log-in leads there by itself when a second factor or a confirmation is due.
    *("mfa_authenticate", "mfa_login_webauthn", "account_reauthenticate"),
    *("mfa_reauthenticate", "mfa_reauthenticate_webauthn"),
}
"""Steps of getting in, at which one arrives by a mail or is led."""

OF_A_FACTOR = {
    *("mfa_list_webauthn", "mfa_remove_webauthn", "mfa_edit_webauthn", "mfa_generate_recovery_codes"),
}
"""Linked on "Second factor" once there is a factor, which nobody in this world has."""

EXCEPTIONS = ASKED_BY_PAGES | BEFORE_OR_AFTER_A_LOG_IN | OF_A_FACTOR

FOR_PROGRAMS = {"api-docs", "api-errors", "api-schema", "fhir-metadata", "oauth-metadata"}
"""Of the addresses for programs, those that people read."""

PICTURES = {"image-derivative", "image-thumbnail", "explanation-overlay"}
"""Only one image of this world has files."""

VISITS = 5
"""Pages of one route that are opened: enough that each of this world's rows comes up."""


class Links(HTMLParser):
    """Where a page leads: links, forms that are sent by GET, pictures and fragments."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and (given.get("method") or "get").lower() != "get":
            return
        names = {"a": ("href",), "form": ("action",), "img": ("src",)}.get(tag, ())
        self.found += [value for name in (*names, "hx-get") if (value := given.get(name))]


def list_links(page: str) -> list[str]:
    links = Links()
    links.feed(page)
    return [link for link in links.found if link.startswith("/") and not link.startswith("/static/")]


def walk_from_home(client: Client) -> tuple[set[str], list[str]]:
    """The routes that links lead to, and the links that don't open."""
    waiting, seen, broken = ["/"], {"/"}, []
    visits: dict[str, int] = defaultdict(int)
    while waiting:
        address = waiting.pop(0)
        try:
            route = str(resolve(urlsplit(address).path).url_name)
        except Resolver404:
            broken.append(f"no such page: {address}")
            continue
        visits[route] += 1
        if visits[route] > VISITS or route in FOR_PROGRAMS | PICTURES:
            continue
        answer = client.get(address)
        if answer.status_code >= 400 and address != "/":
            broken.append(f"{answer.status_code}: {address}")
        if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming:
            found = [link for link in dict.fromkeys(list_links(answer.text)) if link not in seen]
            seen.update(found)
            waiting += found
    return set(visits), broken


def list_allowed(actor: str) -> set[str]:
    # Who belongs to no clinic has no system to connect.
    read = set() if actor == "outsider" else FOR_PROGRAMS
    return {
        row.route
        for row in MATRIX
        if row.method == "GET"
        and row.policy[actor] == OK
        and (row.route in read or not row.route.startswith(("api-", "fhir-", "oauth-")))
    }


@pytest.mark.parametrize("actor", PEOPLE)
def test_everything_a_person_may_open_is_linked(world: World, actor: str) -> None:
    reached, broken = walk_from_home(world.client(actor, by_token=False))
    assert broken == []
    assert list_allowed(actor) - reached - EXCEPTIONS == set()


def test_exceptions_are_routes() -> None:
    assert EXCEPTIONS - {row.route for row in MATRIX} == set()
