"""The client against the portal's own code: requests go through WSGI, and some get lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import httpx
import pytest
from knox.models import AuthToken

from classifier.client import Client, RetryPolicy
from portal.wsgi import application
from tests.classifier.api.conftest import model, side  # noqa: F401 (fixtures)
from tests.classifier.engine.conftest import network  # noqa: F401 (a fixture)

SITE = "http://127.0.0.1"
LOST, UNREACHABLE = "answer lost", "unreachable"
Fault = str | httpx.Response | Callable[[], object] | None


@dataclass
class Bridge(httpx.BaseTransport):
    """`faults` are met by POSTs in turn: an answer lost, no way through, an answer of another's."""

    faults: list[Fault] = field(default_factory=list)
    posts: list[httpx.Request] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _wsgi: httpx.WSGITransport = field(default_factory=lambda: httpx.WSGITransport(app=application))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        fault: Fault = None
        if request.method == "POST":
            with self._lock:
                self.posts.append(request)
                fault = self.faults.pop(0) if self.faults else None
        if fault == UNREACHABLE:
            raise httpx.ConnectError("no way through")
        if isinstance(fault, httpx.Response):
            return fault
        if callable(fault):
            fault()
        answer = self._wsgi.handle_request(request)
        answer.read()
        if fault == LOST:
            raise httpx.ReadError("answer lost")
        return answer


@pytest.fixture
def bridge() -> Bridge:
    return Bridge()


@pytest.fixture
def portal(bridge, side):  # noqa: F811
    """Clients that call with a token of this person; the clinic's records system unless named."""

    def make(person=None, patience: float = 20.0) -> Client:
        _, text = AuthToken.objects.create(user=person or side.own.integration)
        policy = RetryPolicy(patience=patience, first=0.01, longest=0.05)
        return Client(SITE, text, retries=policy, transport=bridge)

    return make
