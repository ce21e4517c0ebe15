from __future__ import annotations

import pytest

from classifier.webhooks import ssrf_guard
from tests.classifier.engine.conftest import gates, network, queue_images  # noqa: F401 (fixtures)
from tests.classifier.webhooks.receiver import Receiver
from tests.factories import Staff, TwoClinics, two_clinics
from tests.support.webhooks import WebhookEndpointFactory

PUBLIC = "93.184.216.34"


@pytest.fixture
def side(db) -> TwoClinics:
    return two_clinics()


@pytest.fixture
def staff(side) -> Staff:
    return side.own


@pytest.fixture
def names(monkeypatch):
    """Every name is public, so that addresses can be saved without a network."""
    monkeypatch.setattr(ssrf_guard.socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (PUBLIC, 443))])


@pytest.fixture
def receiver(tmp_path, settings):
    """A receiver on this machine, over http as a developer has it."""
    settings.DERMAPORT_WEBHOOK_LOOPBACK = True
    with Receiver(tmp_path) as running:
        running.url = f"http://127.0.0.1:{running.port}/hooks"
        yield running


@pytest.fixture
def endpoint(staff):
    return WebhookEndpointFactory(clinic=staff.clinic)
