"""Every operation, as everybody: no 5xx, nothing that the schema doesn't say, no way past the log-in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from knox.models import AuthToken
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.classifier.api.conftest import ROOT
from tests.permissions.world import World, build_world
from tests.support.shared_rows import shared_rows

ADDRESS = f"{ROOT}/schema/?format=json"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
]
ROLES = [
    "nobody",
    "outsider",
    "own.clinician",
    "own.dermatologist",
    "own.administrator",
    "own.integration",
    "other.integration",
]
FEW = settings(
    max_examples=2,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True, scope="module")
def one_connection() -> Iterator[None]:
    """Requests end without closing the connection that holds these tests' transaction."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@pytest.fixture(scope="module")
def shared_world(
    django_db_setup: None,
    django_db_blocker: Any,
    one_connection: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    with shared_rows(django_db_blocker, tmp_path_factory.mktemp("stores")):
        yield build_world()


@pytest.fixture
def world(shared_world: World, db: None, settings: Any) -> World:
    settings.DERMAPORT_TOKEN_RATE = "1000/min"
    return shared_world


@pytest.fixture(scope="module")
def schema(shared_world: World) -> Any:
    """Drawn once, with the strategies that hypothesis makes of it, for everybody: to make them takes longest."""
    site = get_wsgi_application()

    def call_from_here(environ: dict[str, Any], start: Any) -> Any:
        # A server always names the caller's address; sessions and limits go by it.
        return site({"REMOTE_ADDR": "127.0.0.1", **environ}, start)

    return schemathesis.openapi.from_wsgi(ADDRESS, call_from_here)


@pytest.fixture(scope="module")
def operations(schema: Any, shared_world: World) -> list[tuple[str, list[Any]]]:
    """Every operation, and the ways to call it: rightly, wrongly, and with an id that chance drew."""
    found = []
    for result in schema.get_all_operations():
        operation = result.ok()
        ids = known_ids(shared_world, operation.path)
        ways = [
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE, path_parameters=ids),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE, path_parameters=ids),
        ]
        if ids:
            ways.append(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        found.append((operation.label, ways))
    return found


def known_ids(world: World, path: str) -> dict[str, str] | None:
    """A row of the own clinic for this address, so that more than 404 is met."""
    rows = {
        "clinics": ("id", world.side.own.clinic),
        "images": ("id", world.image),
        "lesions": ("id", world.judged.lesion),
        "model-versions": ("version", world.model),
        "outcomes": ("id", world.outcome),
        "patients": ("id", world.judged.lesion.patient),
        "predictions": ("id", world.prediction),
        "reviews": ("id", world.review),
        "submissions": ("id", world.judged),
        "webhook-deliveries": ("id", world.delivery),
        "webhooks": ("id", world.webhook),
    }
    if "{" not in path:
        return None
    name, row = rows[path.removeprefix(f"{ROOT}/").split("/")[0]]
    return {name: str(row.pk)}


def headers_of(world: World, role: str) -> dict[str, str]:
    person = world.person(role)
    return {"Authorization": f"Bearer {AuthToken.objects.create(user=person)[1]}"} if person else {}


@dataclass
class Met:
    """What came of all that was sent: the statuses by caller, and what was not as the schema says."""

    statuses: set[tuple[str, str, int]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    guarded: set[str] = field(default_factory=set)
    """Operations that were found to open with a token alone: a matter of the operation, not of who calls."""


@pytest.mark.timeout(600)
def test_every_operation(world: World, operations: list[tuple[str, list[Any]]]) -> None:
    """What chance draws for an operation is sent by everybody: to draw it takes longer than to answer it."""
    callers = {role: headers_of(world, role) for role in ROLES}
    met = Met()
    for label, ways in operations:
        for number, way in enumerate(ways):
            meet(met, label, way, callers, is_negative=number == 1)
    assert not met.wrong, "\n".join(met.wrong)
    assert 500 not in {status for _, _, status in met.statuses}
    opened = {label for role, label, status in met.statuses if role == "nobody" and status < 300}
    assert opened <= {"POST /api/v1/token/"}
    assert {role for role, _, status in met.statuses if status == 200} >= {*ROLES} - {"nobody"}


def meet(met: Met, label: str, way: Any, callers: dict[str, dict[str, str]], *, is_negative: bool) -> None:
    """Send a few cases of this way by each caller, each taken back afterwards."""
    checks = [*CHECKS, negative_data_rejection] if is_negative else CHECKS
    unguarded = [one for one in checks if one is not ignored_auth]

    @FEW
    @given(case=way)
    def send(case: Any) -> None:
        for role, headers in callers.items():
            is_known = bool(headers) and label in met.guarded
            with transaction.atomic():
                response = case.call(headers=headers)
                met.statuses.add((role, label, response.status_code))
                try:
                    case.validate_response(
                        response, checks=unguarded if is_known else checks, headers=headers
                    )
                except* AssertionError as group:
                    met.wrong.append(f"{role}: {label}: {group.exceptions}")
                else:
                    if headers and not is_negative and response.status_code < 300:
                        met.guarded.add(label)
                transaction.set_rollback(True)

    send()
