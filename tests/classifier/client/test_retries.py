"""A call comes again where that does no harm, with its key, and not for ever."""

from __future__ import annotations

import datetime as dt
import threading
import time
from email.utils import format_datetime

import httpx
import pytest

from classifier.client import ApiError, LostConnectionError, RetryPolicy, StoppedError
from classifier.client.errors import read_retry_after
from tests.classifier.client.portal import Portal, problem
from tests.classifier.client.shapes import ID, example

ME = httpx.Response(200, json=example({"$ref": "#/components/schemas/Me"}))
REVIEW = httpx.Response(201, json=example({"$ref": "#/components/schemas/Review"}))
PATIENT = httpx.Response(200, json=example({"$ref": "#/components/schemas/Patient"}))
LOST = httpx.ReadError("gone"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut")


def sign(client):
    return client.reviews.sign(ID, diagnosis="naevus", management="no_action", agreement="agrees")


@pytest.mark.parametrize(
    "trouble",
    [
        *LOST,
        httpx.ConnectError("refused"),
        problem(429, "throttled"),
        problem(503, "unavailable", after="0"),
        problem(409, "request_in_progress", after="0"),
        httpx.Response(502, text="<html>"),
        httpx.Response(504),
    ],
)
def test_signature_comes_again_with_its_key(trouble):
    portal = Portal([trouble, trouble, REVIEW])
    assert sign(portal.client()).id == ID
    assert len(portal.asked) == 3
    assert len(set(portal.keys())) == 1
    assert portal.keys()[0]
    assert len({request.content for request in portal.asked}) == 1


def test_each_call_has_a_key_of_its_own_unless_one_is_given():
    portal = Portal([REVIEW])
    client = portal.client()
    sign(client)
    sign(client)
    client.reviews.sign(ID, diagnosis="naevus", management="no_action", key="order-4711")
    first, second, third = portal.keys()
    assert first != second
    assert third == "order-4711"


@pytest.mark.parametrize(
    "refusal",
    [
        problem(400, "invalid_input"),
        problem(403, "scope_missing"),
        problem(404, "not_found"),
        problem(409, "already_reviewed"),
        problem(412, "changed_meanwhile"),
        problem(422, "idempotency_key_reused"),
        problem(500, "error"),
        problem(503, "no_active_model", after="0"),
    ],
)
def test_refusal_is_told_at_once(refusal):
    portal = Portal([refusal, REVIEW])
    with pytest.raises(ApiError) as told:
        sign(portal.client())
    assert told.value.status == refusal.status_code
    assert told.value.code == refusal.json()["code"]
    assert len(portal.asked) == 1


@pytest.mark.parametrize("trouble", [*LOST, httpx.Response(502)])
def test_change_without_a_key_is_not_repeated_where_it_may_have_been_done(trouble):
    portal = Portal([trouble, PATIENT])
    with pytest.raises((LostConnectionError, ApiError)):
        portal.client().patients.change(ID, sex="female")
    assert len(portal.asked) == 1


@pytest.mark.parametrize("trouble", [httpx.ConnectError("refused"), problem(429, "throttled")])
def test_change_is_repeated_where_nothing_was_done(trouble):
    portal = Portal([trouble, PATIENT])
    assert portal.client().patients.change(ID, sex="female").id == ID


def test_retry_after_is_obeyed():
    portal = Portal([problem(429, "throttled", after="1"), ME])
    began = time.monotonic()
    portal.client().me()
    assert time.monotonic() - began >= 1


def test_one_throttled_thread_keeps_the_others_quiet():
    portal = Portal([problem(429, "too_many_active", after="1"), ME])
    client = portal.client()
    first = threading.Thread(target=client.me)
    first.start()
    while not portal.asked:
        time.sleep(0.005)
    time.sleep(0.05)
    began = time.monotonic()
    client.me()
    assert time.monotonic() - began > 0.5
    first.join()


def test_longer_pause_than_patience_ends_at_once_and_says_how_long():
    portal = Portal([problem(429, "throttled", after="3600"), ME])
    began = time.monotonic()
    with pytest.raises(ApiError) as told:
        portal.client().me()
    assert time.monotonic() - began < 1
    assert told.value.retry_after == 3600


def test_patience_ends():
    portal = Portal([httpx.ConnectError("refused")])
    policy = RetryPolicy(patience=0.3, first=0.05, longest=0.05)
    with pytest.raises(LostConnectionError):
        portal.client(retries=policy).me()
    assert 2 <= len(portal.asked) <= 7


def test_stop_ends_a_pause():
    portal = Portal([problem(429, "throttled", after="4"), ME])
    client = portal.client()
    threading.Timer(0.1, client.connection.stop).start()
    began = time.monotonic()
    with pytest.raises(StoppedError):
        client.me()
    assert time.monotonic() - began < 2


def test_pauses_grow_to_a_limit():
    policy = RetryPolicy(first=1, longest=10)
    assert [policy.pause(n) for n in (0, 1, 2, 5, 1000)] == [1, 2, 4, 10, 10]


def test_retry_after_is_read_as_a_number_or_a_date():
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)

    def read(text):
        return read_retry_after(httpx.Response(429, headers={"Retry-After": text}))

    assert read("7") == 7
    assert 80 < read(format_datetime(later, usegmt=True)) <= 90
    assert read(format_datetime(later - dt.timedelta(hours=1), usegmt=True)) == 0
    assert read("soon") is read("") is read("-1") is None
