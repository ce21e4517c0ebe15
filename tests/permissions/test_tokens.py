"""Each operation of the API and of the FHIR server against each kind of token.

What must come back follows from two tables alone: what the token's holder may (the matrix) and
which scope the operation asks for (asked_scopes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from rest_framework.views import APIView

from portal.trust.accounts.tokens.scopes import SCOPES
from tests.permissions.asked_scopes import ANY, NONE, OF_ROUTE, SPECIAL, TAKES_ANY, TAKES_NONE, scope_asked
from tests.permissions.bearers import ENDS, Bearer, make_bearers
from tests.permissions.calling import FOR_PROGRAMS, ROUTES, call
from tests.permissions.expectations import OK, UNAUTHORISED
from tests.permissions.matrix import MATRIX
from tests.permissions.rows import Row
from tests.permissions.world import ACTORS, World

ROWS = [row for row in MATRIX if row.route.startswith(FOR_PROGRAMS)]
LACKING = "403 scope_missing"
ENDING = {
    *("personal own.dermatologist", "service account"),
    *("client credentials", "authorization code own.dermatologist"),
}
"""One of each kind: theirs are narrowed, ended and closed before an operation."""

Case = tuple[str, Callable[[], object], str]


@pytest.fixture(scope="module")
def bearers(shared_world: World) -> list[Bearer]:
    return make_bearers(shared_world)


def answer_by_role(row: Row, bearer: Bearer) -> str:
    answer = row.policy[bearer.actor]
    return str(row.status) if answer == OK else answer


def list_cases(row: Row, bearer: Bearer) -> Iterator[Case]:
    """What becomes of the token before the call, and what the call then gets."""
    scope = scope_asked(row)
    if scope == NONE and bearer.name not in ENDING:
        return  # it doesn't ask who calls
    open_answer = str(row.status) if scope == NONE else ""
    by_role = open_answer or answer_by_role(row, bearer)
    others = [one for one in SCOPES if one != scope]
    if scope in SCOPES:
        yield "with that scope alone", lambda: bearer.hold([scope]), by_role
    else:
        yield "with all scopes", lambda: bearer.hold(SCOPES), by_role
    # A scope is asked for before the role is: one token of each kind shows it.
    if scope in SCOPES and bearer.name in ENDING:
        yield "with all scopes but that", lambda: bearer.hold(others), LACKING
        if bearer.is_oauth:
            yield "narrowed", lambda: bearer.narrow(others), LACKING
    for name in list_ends(row, bearer):
        yield name, lambda end=ENDS[name]: end(bearer), open_answer or UNAUTHORISED  # type: ignore[misc]


def list_ends(row: Row, bearer: Bearer) -> list[str]:
    """Every operation meets every end, and every kind of token every end; not each all of the others.

    Who calls is found out by the same class for every operation (the test below), before its view runs.
    """
    kinds = sorted(ENDING)
    if bearer.name not in kinds:
        return []
    place = ROWS.index(row) + kinds.index(bearer.name)
    return [name for number, name in enumerate(ENDS) if (place + number) % len(kinds) == 0]


def test_every_operation_finds_out_by_the_same_class_who_calls() -> None:
    for row in [row for row in ROWS if scope_asked(row) != NONE]:
        view = ROUTES[row.route].callback.cls
        assert view.authentication_classes == APIView.authentication_classes, row


def try_case(row: Row, world: World, bearer: Bearer, prepare: Callable[[], object]) -> str:
    with transaction.atomic():
        prepare()
        response = call(bearer.client(), row, world, bearer.actor)
        transaction.set_rollback(True)
    is_lacking = response.status_code == 403 and b"scope_missing" in response.content
    return LACKING if is_lacking else str(response.status_code)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_tokens(world: World, bearers: list[Bearer], row: Row) -> None:
    wrong = []
    for bearer in bearers:
        for state, prepare, expected in list_cases(row, bearer):
            answer = try_case(row, world, bearer, prepare)
            if answer != expected:
                wrong.append(f"{bearer.name}, {state}: expected {expected}, received {answer}")
    assert not wrong, "\n".join(wrong)


def test_every_scope_opens_something_and_every_operation_is_known() -> None:
    asked = {scope_asked(row) for row in ROWS}
    assert asked == {*SCOPES, ANY, NONE}
    stated = {str(row) for row in ROWS}
    assert stated >= TAKES_ANY | TAKES_NONE | set(SPECIAL)
    assert {row.route for row in ROWS} >= set(OF_ROUTE)


def test_every_kind_of_token_and_every_role_is_there(bearers: list[Bearer]) -> None:
    kinds = ("personal", "service account", "client credentials", "authorization code")
    for kind in kinds:
        assert [one for one in bearers if one.name.startswith(kind)], kind
    assert {one.name for one in bearers} >= ENDING
    assert {one.actor for one in bearers} >= {
        actor for actor in ACTORS if actor.startswith(("own.", "other."))
    }
