"""Every operation, as everybody: no 5xx, nothing that the schema doesn't say, no way past the log-in."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
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

ADDRESS = f"{ROOT}/schema/?format=json"
_document: dict[str, Any] = {}
"""What stood at ADDRESS: everybody is given the same, and to draw it takes seconds."""
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


@pytest.fixture
def world(db, settings, stores) -> World:
    settings.DERMAPORT_TOKEN_RATE = "1000/min"
    return build_world()


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Requests end without closing the connection that holds this test's transaction."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@pytest.fixture
def schema(world: World) -> Any:
    site = get_wsgi_application()

    def call_from_here(environ: dict[str, Any], start: Any) -> Any:
        # A server always names the caller's address; sessions and limits go by it.
        return site({"REMOTE_ADDR": "127.0.0.1", **environ}, start)

    if not _document:
        loaded = schemathesis.openapi.from_wsgi(ADDRESS, call_from_here)
        _document.update(deepcopy(loaded.raw_schema))
        return loaded
    loaded = schemathesis.openapi.from_dict(deepcopy(_document))
    loaded.app, loaded.location = call_from_here, ADDRESS
    return loaded


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


@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", ROLES)
def test_every_operation(world: World, schema: Any, role: str) -> None:
    headers, met, wrong = headers_of(world, role), set(), []
    for result in schema.get_all_operations():
        operation = result.ok()
        ids = known_ids(world, operation.path)
        ways = [
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE, path_parameters=ids),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE, path_parameters=ids),
        ]
        if ids:
            ways.append(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        for number, way in enumerate(ways):
            try:
                found = meet(way, headers, is_negative=number == 1)
            except* AssertionError as group:
                wrong.append(f"{operation.label}: {group.exceptions}")
            else:
                met |= {(operation.label, status) for status in found}
    assert not wrong, "\n".join(wrong)
    statuses = {status for _, status in met}
    assert 500 not in statuses
    if role == "nobody":
        open_to_all = {"POST /api/v1/token/"}
        assert {label for label, status in met if status < 300} <= open_to_all
    else:
        assert 200 in statuses


def meet(way: Any, headers: dict[str, str], *, is_negative: bool) -> set[int]:
    """Send a few cases of this way, each taken back afterwards; return the statuses met."""
    statuses = set()
    checks = [*CHECKS, negative_data_rejection] if is_negative else CHECKS

    @FEW
    @given(case=way)
    def send(case: Any) -> None:
        with transaction.atomic():
            response = case.call(headers=headers)
            statuses.add(response.status_code)
            case.validate_response(response, checks=checks, headers=headers)
            transaction.set_rollback(True)

    send()
    return statuses
