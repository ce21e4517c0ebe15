"""Waiting asks the server to hold the answer, and ends by itself."""

from __future__ import annotations

import time

import httpx
import pytest

from classifier.client import WaitTimeoutError
from tests.classifier.client.portal import Portal
from tests.classifier.client.shapes import ID, example

STATUS = example({"$ref": "#/components/schemas/Status"})
CASE = example({"$ref": "#/components/schemas/Submission"})


def status(*, finished: bool, after: str = "0") -> httpx.Response:
    body = {**STATUS, "id": ID, "is_finished": finished}
    return httpx.Response(200, json=body, headers={} if finished else {"Retry-After": after})


def test_result_is_read_once_when_it_is_there():
    portal = Portal([status(finished=False), status(finished=True), httpx.Response(200, json=CASE)])
    seen = []
    case = portal.client().submissions.wait(ID, on_status=seen.append)
    assert case.id == ID
    assert [one.is_finished for one in seen] == [False, True]
    assert [request.url.path.rsplit("/", 2)[1] for request in portal.asked] == ["status", "status", ID]
    assert {request.url.params.get("wait") for request in portal.asked[:2]} == {"30"}
    assert portal.asked[0].extensions["timeout"]["read"] > 30


def test_server_that_lets_nobody_else_wait_is_asked_after_a_pause():
    portal = Portal(
        [status(finished=False, after="1"), status(finished=True), httpx.Response(200, json=CASE)]
    )
    began = time.monotonic()
    portal.client().submissions.wait(ID)
    assert time.monotonic() - began >= 1


def test_patience_ends_with_the_number_of_the_case():
    portal = Portal([status(finished=False, after="1")])
    began = time.monotonic()
    with pytest.raises(WaitTimeoutError) as told:
        portal.client().submissions.wait(ID, patience=0.3)
    assert 0.3 <= time.monotonic() - began < 1
    assert told.value.submission == ID
    assert len(portal.asked) <= 2


def test_connection_lost_while_waiting_is_made_again():
    cut = httpx.ReadTimeout("late")
    portal = Portal([cut, status(finished=True), cut, httpx.Response(200, json=CASE)])
    assert portal.client().submissions.wait(ID).id == ID
