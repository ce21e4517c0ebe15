import socket
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from portal.operations.health import probes
from portal.operations.health.heartbeat import SEEN_SECONDS, record_heartbeat, workers_seen
from portal.operations.health.models import WorkerHeartbeat

pytestmark = pytest.mark.django_db


def test_live_answers_without_database(client, django_db_blocker):
    with django_db_blocker.block():
        response = client.get("/health/live")

    assert response.status_code == 200
    assert response.json() == {"status": "live"}


def test_ready_without_broker_is_degraded_but_serves(client, settings):
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/valkey.sock"

    response = client.get("/health/ready")

    assert response.status_code == 200
    assert response.json() == {
        "status": "degraded",
        "checks": {"database": "ok", "migrations": "ok", "broker": "failing"},
    }


def test_not_ready_without_database(client, monkeypatch):
    def refuse(*_, **__):
        raise DatabaseError("could not connect: password secret-word rejected")

    monkeypatch.setattr(connection, "cursor", refuse)

    response = client.get("/health/ready")

    assert response.status_code == 503
    assert response.json()["checks"]["database"] == "failing"
    assert "secret-word" not in response.content.decode()


def test_broker_that_never_answers_is_given_up_soon(settings):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        started = timezone.now()

        probe = probes.probe_broker()

    assert not probe.ok
    assert timezone.now() - started < timedelta(seconds=5)


def test_worker_is_seen_after_its_heartbeat_and_forgotten_later(time_machine):
    assert not probes.probe_worker().ok
    start = timezone.now()
    time_machine.move_to(start, tick=False)
    record_heartbeat("celery@here")
    assert probes.probe_worker().ok

    time_machine.move_to(start + timedelta(seconds=SEEN_SECONDS + 1), tick=False)

    assert workers_seen() == []
    assert "No worker has been seen" in probes.probe_worker().sentence


def test_one_row_a_worker():
    record_heartbeat("celery@here")
    record_heartbeat("celery@here")

    assert WorkerHeartbeat.objects.count() == 1


def test_heartbeat_survives_a_database_that_is_away(monkeypatch):
    def refuse(**_):
        raise DatabaseError

    monkeypatch.setattr(WorkerHeartbeat.objects, "update_or_create", refuse)

    record_heartbeat("celery@here")


def test_disk_below_one_gigabyte_is_wrong(monkeypatch):
    monkeypatch.setattr(probes.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 5 * 10**8}))

    assert not probes.probe_disk().ok
