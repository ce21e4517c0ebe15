"""A worker that lives but takes no messages is ended; a busy, idle or waiting one never."""

import signal

import pytest
from celery.worker import state

from portal.operations.health import consumption
from portal.operations.health.consumption import STRIKES, ConsumptionWatch, count_waiting


@pytest.fixture
def kills(monkeypatch):
    sent = []
    monkeypatch.setattr(consumption.os, "kill", lambda _, number: sent.append(number))
    return sent


@pytest.fixture
def waiting(monkeypatch):
    """`waiting(3)`: that many messages lie in the queues."""

    def set_count(number):
        monkeypatch.setattr(consumption, "count_waiting", lambda _: number)

    return set_count


def check(times, watch=None):
    watch = watch or ConsumptionWatch(("predictions",))
    for _ in range(times):
        watch.check()
    return watch


def test_idle_while_messages_wait(kills, waiting):
    waiting(1)
    watch = check(STRIKES - 1)
    assert kills == []
    check(1, watch)
    assert kills == [signal.SIGKILL]


def test_nothing_waits(kills, waiting):
    waiting(0)
    check(3 * STRIKES)
    assert kills == []


def test_one_empty_look_begins_a_new_count(kills, waiting):
    waiting(1)
    watch = check(STRIKES - 1)
    waiting(0)
    check(1, watch)
    waiting(1)
    check(STRIKES - 1, watch)
    assert kills == []


def test_busy(kills, waiting, monkeypatch):
    waiting(5)
    monkeypatch.setattr(state, "active_requests", {object()})
    check(3 * STRIKES)
    assert kills == []


def test_taking_messages_between_looks(kills, waiting, monkeypatch):
    waiting(5)
    watch = ConsumptionWatch(("predictions",))
    for number in range(3 * STRIKES):
        monkeypatch.setitem(state.total_count, "task", number)
        watch.check()
    assert kills == []


def test_broker_away_counts_as_nothing_to_take(settings):
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/valkey.sock"
    assert count_waiting(["predictions"]) == 0
