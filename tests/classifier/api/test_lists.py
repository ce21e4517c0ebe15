"""Lists: what narrows them, their pages, and whose rows they hold."""

import base64
import datetime as dt

import pytest
from django.utils import timezone

from tests.classifier.api.conftest import ROOT, codes
from tests.factories import (
    LesionFactory,
    PatientFactory,
    PredictionFactory,
    SubmissionFactory,
    answered_submission,
    restated_together,
)
from tests.support.webhooks import WebhookEndpointFactory

pytestmark = pytest.mark.django_db
SUBMISSIONS = f"{ROOT}/submissions/"


@pytest.fixture
def client(api, side):
    return api(side.own.integration)


def ids(response) -> list[str]:
    return [row["id"] for row in response.json()["results"]]


def test_filters(client, side):
    waiting = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=waiting)
    old = answered_submission(side.own, "malignant", submitted_at=timezone.now() - dt.timedelta(days=40))
    new = answered_submission(side.own, "benign", "refer")
    cancelled = SubmissionFactory(
        clinic=side.own.clinic, cancelled_at=timezone.now(), cancelled_by=side.own.clinician
    )
    week_ago = (timezone.now() - dt.timedelta(days=7)).isoformat()
    for query, expected in [
        ({}, {waiting, old, new, cancelled}),
        ({"state": "in_work"}, {waiting}),
        ({"state": ["in_work", "cancelled"]}, {waiting, cancelled}),
        ({"outcome": "malignant"}, {old}),
        ({"outcome": "refer"}, {new}),
        ({"patient": new.lesion.patient_id}, {new}),
        ({"lesion": old.lesion_id}, {old}),
        ({"submitted_before": week_ago}, {old}),
        ({"submitted_from": week_ago}, {waiting, new, cancelled}),
        ({"clinic": side.other.clinic.pk}, set()),
    ]:
        assert set(ids(client.get(SUBMISSIONS, query))) == {str(case.pk) for case in expected}, query
    for query in ({"state": "done"}, {"outcome": "bad"}, {"patient": "x"}, {"submitted_from": "soon"}):
        response = client.get(SUBMISSIONS, query)
        assert response.status_code == 400, query
        assert response.json()["fields"][0]["field"] == next(iter(query))


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        ("submissions", "outcome", 'Received "bad", can be benign, malignant, refer.'),
        ("outcomes", "diagnosis", 'Received "bad", can be naevus, '),
        ("lesions", "body_site", 'Received "bad", can be head_and_neck, '),
    ],
)
def test_a_wrong_choice_is_told_with_all_that_can_be_chosen(client, path, name, words):
    (field,) = client.get(f"{ROOT}/{path}/", {name: "bad"}).json()["fields"]
    assert (field["field"], field["code"]) == (name, "invalid_choice")
    assert words in field["detail"]


@pytest.mark.parametrize("ordering", ["submitted_at", "-submitted_at"])
def test_pages_hold_every_case_once_even_of_one_moment(client, side, ordering):
    moment = timezone.now()
    with restated_together():
        cases = [SubmissionFactory(clinic=side.own.clinic, submitted_at=moment) for _ in range(5)]
    cases += [SubmissionFactory(clinic=side.own.clinic, submitted_at=moment - dt.timedelta(days=1))]
    seen, url = [], f"{SUBMISSIONS}?page_size=2&ordering={ordering}"
    while url:
        response = client.get(url)
        seen += ids(response)
        url = response.json()["next"]
    assert len(seen) == len(set(seen)) == 6
    assert set(seen) == {str(case.pk) for case in cases}
    assert str(cases[-1].pk) == seen[0 if ordering == "submitted_at" else -1]


@pytest.mark.parametrize("size", ["0", "101", "-1", "ten", "", "99999999999"])
def test_page_of_no_or_too_many_rows_is_told(client, size):
    for path in ("submissions", "patients", "lesions", "model-versions"):
        response = client.get(f"{ROOT}/{path}/", {"page_size": size})
        assert codes(response) == [("page_size_out_of_range", "page_size")]
    assert client.get(SUBMISSIONS, {"page_size": "100"}).status_code == 200


def test_order_and_cursor_that_nobody_sent_are_told(client):
    assert codes(client.get(SUBMISSIONS, {"ordering": "outcome"})) == [("unknown_ordering", "ordering")]
    assert codes(client.get(SUBMISSIONS, {"cursor": "x"})) == [("invalid_cursor", None)]


def test_no_list_passes_over_what_it_does_not_know(api, side):
    """Whatever is listed: a slip in a name must not give all the rows."""
    client = api(side.own.administrator)
    webhook = WebhookEndpointFactory(clinic=side.own.clinic)
    for path in (
        *("submissions", "patients", "lesions", "predictions", "reviews", "outcomes", "clinics"),
        *("model-versions", "webhooks", f"webhooks/{webhook.pk}/deliveries"),
    ):
        address = f"{ROOT}/{path}/"
        assert client.get(address).status_code == 200
        assert codes(client.get(address, {"stat": "failed"})) == [("unknown_parameter", "query")], path
        assert codes(client.get(address, {"ordering": "url"})) == [("unknown_ordering", "ordering")], path


@pytest.mark.parametrize("words", ["p=abc", "p=0001-01-01T00:00:00%2B23:00", "p=%00", "o=-1", "x", ""])
def test_cursor_that_was_made_up_breaks_nothing(client, side, words):
    SubmissionFactory(clinic=side.own.clinic)
    cursor = base64.b64encode(words.encode()).decode()
    assert client.get(SUBMISSIONS, {"cursor": cursor}).status_code in (200, 400)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "99999-01-01"])
def test_moment_that_no_database_holds(client, moment):
    response = client.get(SUBMISSIONS, {"submitted_from": moment})
    assert codes(response) == [("invalid", "submitted_from")]


def test_lists_show_own_clinics_only(client, side):
    mine, theirs = (
        LesionFactory(patient__clinic=side.own.clinic),
        LesionFactory(patient__clinic=side.other.clinic),
    )
    for path, own, other in (("patients", mine.patient, theirs.patient), ("lesions", mine, theirs)):
        assert ids(client.get(f"{ROOT}/{path}/")) == [str(own.pk)]
        assert client.get(f"{ROOT}/{path}/{own.pk}/").json()["id"] == str(own.pk)
        assert client.get(f"{ROOT}/{path}/{other.pk}/").status_code == 404


def test_patient_and_lesion_filters(client, side):
    lesion = LesionFactory(patient__clinic=side.own.clinic)
    LesionFactory(patient__clinic=side.own.clinic, body_site="unspecified")
    assert ids(client.get(f"{ROOT}/lesions/", {"patient": lesion.patient_id})) == [str(lesion.pk)]
    assert ids(client.get(f"{ROOT}/lesions/", {"body_site": "trunk"})) == [str(lesion.pk)]
    found = client.get(f"{ROOT}/patients/", {"public_id": lesion.patient.public_id})
    assert ids(found) == [str(lesion.patient_id)]


def test_record_numbers_are_no_filter(client, side):
    """They would stand in the URL, and so in the logs of every proxy."""
    PatientFactory(clinic=side.own.clinic, mrn="MRN-1")
    response = client.get(f"{ROOT}/patients/", {"mrn": "MRN-CANARY"})
    assert codes(response) == [("unknown_parameter", "query")]
    assert "CANARY" not in response.content.decode()
