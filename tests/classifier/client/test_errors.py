"""What an error says, and what it keeps to itself."""

from __future__ import annotations

import traceback

import httpx
import pytest

from classifier.client import ApiError, LostConnectionError, ProtocolError, RetryPolicy
from tests.classifier.client.portal import TOKEN, Portal, problem
from tests.classifier.client.shapes import ID

NAME = "Zebedee"
SAID = [{"field": "patient_mrn", "code": "mrn_mismatch", "detail": f"Not {NAME}."}]


def submit(client):
    return client.submissions.create([], patient_mrn=NAME, body_site="trunk", note=NAME, key="k")


def test_codes_stand_in_the_text_and_words_beside_it():
    refusal = problem(400, "invalid_input", detail=f"{NAME} is wrong.", fields=SAID)
    with pytest.raises(ApiError) as told:
        submit(Portal([refusal]).client())
    error = told.value
    assert str(error) == "400 invalid_input (patient_mrn: mrn_mismatch)"
    assert error.detail == f"{NAME} is wrong."
    assert (error.fields[0].field, error.fields[0].detail) == ("patient_mrn", f"Not {NAME}.")
    assert NAME not in repr(error.fields)


@pytest.mark.parametrize(
    "answer",
    [
        problem(400, "invalid_input", detail=NAME, fields=SAID),
        httpx.Response(500, text=f"<h1>{NAME}</h1>"),
        httpx.Response(202, json={"id": NAME}),
        httpx.Response(202, text=NAME),
        httpx.ReadError("cut"),
    ],
)
def test_nothing_sent_or_received_stands_in_a_traceback(answer):
    client = Portal([answer]).client(retries=RetryPolicy(patience=0))
    with pytest.raises((ApiError, ProtocolError, LostConnectionError)) as told:
        submit(client)
    text = "".join(traceback.format_exception(told.value))
    assert NAME not in text
    assert TOKEN not in text
    assert told.value.__suppress_context__ or told.value.__context__ is None


def test_outcome_of_fhir_is_read_as_an_error():
    issue = {
        "code": "security",
        "details": {"coding": [{"code": "scope_missing"}], "text": "Needs fhir:read."},
    }
    refusal = httpx.Response(403, json={"resourceType": "OperationOutcome", "issue": [issue]})
    with pytest.raises(ApiError) as told:
        Portal([refusal]).client().reports.read(ID)
    assert (told.value.status, told.value.code, told.value.detail) == (
        403,
        "scope_missing",
        "Needs fhir:read.",
    )


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        '{"fields": 1}',
        '{"fields": [1]}',
        '{"resourceType": "OperationOutcome", "issue": []}',
    ],
)
def test_error_without_a_shape_is_unexplained(body):
    with pytest.raises(ApiError) as told:
        Portal([httpx.Response(418, text=body)]).client().me()
    assert (told.value.status, told.value.code) == (418, "unexplained")


@pytest.mark.parametrize("body", ["", "[]", "<html>", '{"results": 1}'])
def test_answer_of_something_else_is_no_answer(body):
    client = Portal([httpx.Response(200, text=body)]).client()
    with pytest.raises(ProtocolError):
        client.me()
    with pytest.raises(ProtocolError):
        list(client.patients.list())


def test_redirects_are_not_followed():
    portal = Portal([httpx.Response(302, headers={"Location": "https://elsewhere.example/"})])
    with pytest.raises(ApiError):
        portal.client().me()
    assert len(portal.asked) == 1
