"""The matrix against the running site: every row for every actor, and no hole in it."""

from __future__ import annotations

import uuid

import pytest
from django.db import transaction
from django.urls import reverse

from tests.permissions.calling import FOR_PROGRAMS, ROUTES, call, name_answer
from tests.permissions.expectations import OK
from tests.permissions.files import FILES, name_file
from tests.permissions.matrix import CLOSED, MATRIX, Row
from tests.permissions.world import ACTORS, World
from tests.support.html_grammar import list_html_faults

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
NOWHERE = ["api-unknown", "fhir-unknown", *CLOSED]
"""Routes that answer 404 to everything."""
READERS = ("own.clinician", "own.dermatologist", "own.administrator", "nobody")
"""Whose pages are looked at as HTML: the checker itself is tested in test_html."""


@pytest.mark.parametrize("row", MATRIX, ids=str)
def test_row(world: World, row: Row) -> None:
    """All actors meet the same world; what each one changes is taken back before the next.

    Every page is sound HTML besides.
    """
    wrong = []
    for actor in ACTORS:
        with transaction.atomic():
            client = world.client(actor, by_token=row.route.startswith(FOR_PROGRAMS))
            response = call(client, row, world, actor)
            transaction.set_rollback(True)
        answer, file = name_answer(response), name_file(response)
        expected = str(row.status) if row.policy[actor] == OK else row.policy[actor]
        if answer != expected:
            wrong.append(f"{actor}: expected {expected}, received {answer}")
        if (
            actor in READERS
            and row.method == "GET"
            and response.get("Content-Type", "").startswith("text/html")
        ):
            wrong += [f"{actor}: {fault}" for fault in list_page_faults(response.text)]
        if file != (FILES.get(str(row), "") if row.policy[actor] == OK else ""):
            wrong.append(f"{actor}: received a file of type {file!r}")
    assert not wrong, "\n".join(wrong)


def list_page_faults(html: str) -> list[str]:
    """What a browser repairs in silence, and a reader of screens reads wrong."""
    # Part of a page names ids of the page that takes it.
    is_fragment = "<html" not in html
    return [one for one in list_html_faults(html) if not is_fragment or "leads nowhere" not in one]


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
    allowed = [actor for actor in ACTORS if rows[0].policy[actor] == OK]
    # Which methods there are is not a matter of who asks: the first and the last of those let in.
    for actor in dict.fromkeys([*allowed[:1], *allowed[-1:]]):
        with transaction.atomic():
            client = world.client(actor, by_token=route.startswith(FOR_PROGRAMS))
            client.raise_request_exception = False
            for method in sorted(set(METHODS) - stated):
                assert client.generic(method, address).status_code == 405, (actor, method)
            transaction.set_rollback(True)


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
            unknown = client.get(reverse(row.route, kwargs={**row.at(world), "pk": uuid.uuid4()}))
            # test_row has found that what is taken answers by the policy.
            assert name_answer(unknown) == row.policy[actor], (row, actor)
