"""A page elsewhere makes the browser of somebody who is logged in send something to the portal."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.permissions.calling import ROUTES, call
from tests.security.targets import (
    WRITES,
    actors_of,
    client_of,
    fingerprints,
    is_for_programs,
    list_touched,
    watch_writes,
)

# Programs call these without cookies: what they send proves who they are.
EXEMPT = {"oauth-token", "oauth-revoke"}
PAGES = [row for row in WRITES if not is_for_programs(row) and row.route not in EXEMPT]
API = [row for row in WRITES if is_for_programs(row) and row.route != "api-token"]


def browser(world, actor, row=None):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    if actor != "nobody":
        client.force_login(world.person(actor))
    return client


def attack(sides, rows, client_for):
    """Send each of these as the attacker's page would; say which were taken, or changed anything."""
    wrong, before = [], fingerprints()
    for row in rows:
        actor = (actors_of(row) or ["own.clinician"])[0]
        with transaction.atomic():
            client = client_for(row, actor)
            with watch_writes() as written:
                answer = call(client, row, sides.mine, actor)
            touched = list_touched(before, written)
            transaction.set_rollback(True)
        if answer.status_code != 403 or touched:
            wrong.append((str(row), actor, answer.status_code, touched))
    return wrong


def test_every_form_needs_the_token(sides):
    assert len(PAGES) > 60
    assert attack(sides, PAGES, lambda _, actor: browser(sides.mine, actor)) == []


def test_token_of_somebody_else_is_none(sides):
    """What the attacker got for a cookie of their own doesn't fit the other person's cookie."""
    stranger = Client()
    stranger.get(reverse("account_login"))
    made = stranger.cookies["csrftoken"].value

    def client_for(_, actor):
        client = browser(sides.mine, actor)
        client.get(reverse("sessions"))
        client.defaults["HTTP_X_CSRFTOKEN"] = made
        return client

    assert attack(sides, PAGES[:40], client_for) == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example"])
def test_right_token_from_another_origin(sides, origin):
    client = browser(sides.mine, "own.clinician")
    client.get(reverse("sessions"))
    token = client.cookies["csrftoken"].value
    sent = {"full_name": "Ada", "csrfmiddlewaretoken": token}
    refused = client.post(reverse("settings-name"), sent, headers={"Origin": origin})
    assert refused.status_code == 403
    taken = client.post(reverse("settings-name"), sent, headers={"Origin": "http://testserver"})
    assert taken.status_code == 302


def test_session_calls_the_api_with_the_token_only(sides):
    assert len(API) > 15
    assert attack(sides, API, lambda _, actor: browser(sides.mine, actor)) == []


def test_bearer_tokens_need_none(sides):
    """A page elsewhere can't make a browser send them, and programs have no cookie."""
    for row in [row for row in API if row.route in ("api-lesions", "api-patient", "api-submission-cancel")]:
        client = client_of(sides.mine, actors_of(row)[0], row)
        client.handler.enforce_csrf_checks = True
        assert call(client, row, sides.mine, actors_of(row)[0]).status_code == row.status


def test_nothing_else_is_exempt():
    exempt = {name for name, pattern in ROUTES.items() if getattr(pattern.callback, "csrf_exempt", False)}
    pages = {name for name in exempt if not name.startswith(("api-", "fhir-"))}
    # Those of uploads check it themselves, under the guard of the body; they are among the forms above.
    assert pages == EXEMPT | {"submission-new", "submission-check-image"}


def test_cookies_stay_at_home(settings):
    assert (settings.SESSION_COOKIE_SAMESITE, settings.CSRF_COOKIE_SAMESITE) == ("Lax", "Lax")
    assert settings.SESSION_COOKIE_HTTPONLY
