"""Lists follow the cursor, rows carry their tag, and the token goes nowhere else."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest

from classifier.client import ApiError, LostConnectionError, ProtocolError
from tests.classifier.client.portal import SITE, Portal, page, problem
from tests.classifier.client.shapes import ID, example

PATIENT = example({"$ref": "#/components/schemas/Patient"})
CASE = example({"$ref": "#/components/schemas/Submission"})


def rows(*ids):
    return [{**PATIENT, "id": name} for name in ids]


def test_every_page_is_read_as_it_is_needed():
    portal = Portal([page(*rows("a", "b"), cursor="x=="), page(*rows("c"), cursor="y"), page(*rows("d"))])
    found = portal.client().patients.list(clinic=ID)
    assert next(found).id == "a"
    assert len(portal.asked) == 1
    assert [row.id for row in found] == ["b", "c", "d"]
    assert [request.url.params.get("cursor") for request in portal.asked] == [None, "x==", "y"]
    assert {request.url.params["clinic"] for request in portal.asked} == {ID}
    # The links of this portal name another host: its address is misconfigured, or worse.
    assert {f"{request.url.scheme}://{request.url.host}" for request in portal.asked} == {SITE}


def test_page_by_page():
    portal = Portal([page(*rows("a"), cursor="x"), page(*rows("b"))])
    client = portal.client()
    first = client.patients.page(page_size=1)
    second = client.patients.page(first.next, page_size=1)
    assert (first.results[0].id, second.results[0].id, second.next) == ("a", "b", None)


def test_list_that_names_the_same_page_again_is_told():
    """It neither goes on for ever nor ends as if that were all."""
    with pytest.raises(ProtocolError, match="same page"):
        list(Portal([page(*rows("a"), cursor="x")]).client().patients.list())


def test_page_lost_on_the_way_is_asked_for_again():
    portal = Portal([page(*rows("a"), cursor="x"), httpx.ReadError("cut"), page(*rows("b"))])
    assert [row.id for row in portal.client().patients.list()] == ["a", "b"]


def test_filters_are_written_as_the_api_takes_them():
    portal = Portal([page()])
    since = dt.datetime(2026, 3, 2, 8, 30, tzinfo=dt.UTC)
    client = portal.client()
    list(client.submissions.list(state=["in_work", "reviewed"], submitted_from=since, outcome=None))
    params = portal.last.url.params
    assert params.get_list("state") == ["in_work", "reviewed"]
    assert params["submitted_from"] == "2026-03-02T08:30:00+00:00"
    assert "outcome" not in params
    list(client.reviews.list(is_current=True, expand=["patient", "lesion"]))
    assert portal.last.url.params["is_current"] == "true"
    assert portal.last.url.params["expand"] == "patient,lesion"
    with pytest.raises(ValueError, match="time zone"):
        list(client.reviews.list(signed_from=since.replace(tzinfo=None)))


def test_tag_of_what_was_read_goes_with_the_change():
    portal = Portal([httpx.Response(200, json=PATIENT, headers={"ETag": '"one"'})])
    client = portal.client()
    patient = client.patients.get(ID)
    assert patient.etag == '"one"'
    client.patients.change(patient, sex="male")
    assert portal.last.headers["If-Match"] == '"one"'
    client.patients.change(ID, sex="male")
    assert "If-Match" not in portal.last.headers


def test_case_is_signed_as_it_was_read():
    review = httpx.Response(201, json=example({"$ref": "#/components/schemas/Review"}))
    portal = Portal([httpx.Response(200, json=CASE, headers={"ETag": '"one"'}), review])
    client = portal.client()
    case = client.submissions.get(ID)
    client.reviews.sign(case, diagnosis="naevus", management="no_action")
    assert portal.last.headers["If-Match"] == '"one"'
    portal.answers = [problem(412, "changed_meanwhile")]
    with pytest.raises(ApiError) as told:
        client.reviews.sign(case, diagnosis="naevus", management="no_action")
    assert told.value.status == 412


def test_refresh_keeps_what_has_not_changed():
    portal = Portal([httpx.Response(200, json=CASE, headers={"ETag": '"one"'}), httpx.Response(304)])
    client = portal.client()
    case = client.submissions.get(ID)
    assert client.submissions.refresh(case) is case
    assert portal.last.headers["If-None-Match"] == '"one"'
    portal.answers = [httpx.Response(200, json={**CASE, "state": "reviewed"}, headers={"ETag": '"two"'})]
    newer = client.submissions.refresh(case)
    assert (newer.state, newer.etag) == ("reviewed", '"two"')


def test_lost_delete_is_not_taken_for_done():
    with pytest.raises(LostConnectionError):
        Portal([httpx.ReadError("cut")]).client().webhooks.delete(ID)
