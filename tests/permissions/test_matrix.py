"""The matrix against the running site: every row for every actor, and no hole in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.permissions.expectations import LOGIN, OK
from tests.permissions.matrix import CLOSED, MATRIX, Row
from tests.permissions.world import ACTORS, World, build_world

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
NOWHERE = ["api-unknown", "fhir-unknown", *CLOSED]
"""Routes that answer 404 to everything."""
FOR_PROGRAMS = ("api-", "fhir-")
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def world(db, settings, tmp_path, monkeypatch) -> World:
    for name in ("sealed", "derived"):
        backend = {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / name},
        }
        settings.STORAGES = {**settings.STORAGES, name: backend}
    monkeypatch.setattr("portal.health.probes.probe_broker", lambda: probe("broker"))
    monkeypatch.setattr("portal.health.probes.probe_worker", lambda: probe("worker"))
    return build_world()


def probe(name: str) -> Any:
    """No broker is asked: a thousand requests would each wait for it."""
    from portal.health.probes import Probe

    return Probe(name, True, "Not asked in this test.")


def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns)
        else:
            yield pattern


ROUTES = {pattern.name: pattern for pattern in walk(get_resolver().url_patterns)}


def call(client: Client, row: Row, world: World, actor: str) -> HttpResponse:
    address = reverse(row.route, kwargs=row.at(world))
    data = row.data(world, actor)
    as_json = row.route.startswith(FOR_PROGRAMS) and "images" not in data
    how = {"content_type": "application/json"} if as_json and row.method != "GET" else {}
    if row.route.endswith("-post-search"):
        data, how = urlencode(data), {"content_type": FORM}
    return getattr(client, row.method.lower())(address, data, **how)


def name_answer(response: HttpResponse) -> str:
    if response.status_code == 302 and response["Location"].startswith("/accounts/login/?next="):
        return LOGIN
    return str(response.status_code)


@pytest.mark.parametrize("row", MATRIX, ids=str)
def test_row(world: World, row: Row) -> None:
    """All actors meet the same world; what each one changes is taken back before the next."""
    wrong = []
    for actor in ACTORS:
        with transaction.atomic():
            client = world.client(actor, by_token=row.route.startswith(FOR_PROGRAMS))
            answer = name_answer(call(client, row, world, actor))
            transaction.set_rollback(True)
        expected = str(row.status) if row.policy[actor] == OK else row.policy[actor]
        if answer != expected:
            wrong.append(f"{actor}: expected {expected}, received {answer}")
    assert not wrong, "\n".join(wrong)


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert all(ROUTES), "every route needs a name"
    stated = {row.route for row in MATRIX} | set(NOWHERE)
    assert stated - set(ROUTES) == set(), "rows for routes that don't exist"
    assert set(ROUTES) - stated == set(), "routes without a row"


def test_every_row_speaks_of_every_actor() -> None:
    assert len({str(row) for row in MATRIX}) == len(MATRIX)
    for row in MATRIX:
        assert set(row.policy) == set(ACTORS), row


@pytest.mark.parametrize("route", sorted({row.route for row in MATRIX}))
def test_method_without_a_row_is_not_allowed(world: World, route: str) -> None:
    rows = [row for row in MATRIX if row.route == route]
    stated = {row.method for row in rows}
    address = reverse(route, kwargs=rows[0].at(world))
    for actor, policy in rows[0].policy.items():
        if policy != OK:
            continue
        for method in sorted(set(METHODS) - stated):
            with transaction.atomic():
                client = world.client(actor, by_token=route.startswith(FOR_PROGRAMS))
                client.raise_request_exception = False
                status = client.generic(method, address).status_code
                transaction.set_rollback(True)
            assert status == 405, (actor, method)


@pytest.mark.parametrize("route", NOWHERE)
def test_closed_routes_are_not_there(world: World, route: str) -> None:
    kwargs = {"key": "abc"} if route == "account_confirm_email" else {}
    address = "/accounts/signup/" if route == "account-closed" else None
    address = "/api/v1/nothing/" if route == "api-unknown" else address
    address = "/fhir/r4/Nothing" if route == "fhir-unknown" else address
    for actor in ACTORS:
        client = world.client(actor, by_token=route.startswith(FOR_PROGRAMS))
        for method in METHODS:
            answer = client.generic(method, address or reverse(route, kwargs=kwargs))
            assert answer.status_code == 404, (actor, method)


def test_ids_that_do_not_exist_look_like_those_of_another_clinic(world: World) -> None:
    """Else one could ask the site which ids are taken."""
    actors = ("other.clinician", "other.dermatologist", "other.administrator", "other.integration")
    of_cases = [row for row in MATRIX if isinstance(row.at(world).get("pk"), uuid.UUID)]
    for row in [row for row in of_cases if row.method == "GET"]:
        # What everybody may see, as a network, belongs to no clinic.
        for actor in [actor for actor in actors if row.policy[actor] != OK]:
            client = world.client(actor, by_token=row.route.startswith(FOR_PROGRAMS))
            taken = call(client, row, world, actor)
            unknown = client.get(reverse(row.route, kwargs={"pk": uuid.uuid4()}))
            assert taken.status_code == unknown.status_code, (row, actor)
