"""Histopathology: recorded, corrected by new rows, never changed."""

import datetime as dt

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from classifier.models import Outcome
from portal.trust.audit.models import AuditEvent
from tests.classifier.api.conftest import ROOT, codes
from tests.factories import LesionFactory, OutcomeFactory

OUTCOMES = f"{ROOT}/outcomes/"
FINDING = {
    "diagnosis": "melanoma_invasive",
    "procedure": "excision",
    "specimen_taken_on": "2026-03-02",
    "reported_on": "2026-03-09",
    "breslow_mm": 0.8,
    "comment": "Superficial spreading.",
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def client(api, side):
    return api(side.own.integration)


@pytest.fixture
def lesion(side):
    return LesionFactory(patient__clinic=side.own.clinic)


def test_record(client, side, lesion):
    response = client.post(OUTCOMES, {**FINDING, "lesion": lesion.pk})
    outcome = Outcome.objects.get()
    assert response.status_code == 201
    assert response["Location"] == f"http://testserver{OUTCOMES}{outcome.pk}/"
    assert (float(outcome.breslow_mm), outcome.recorded_by) == (0.8, side.own.integration)
    assert response.json()["breslow_mm"] == 0.8
    assert response.json()["is_current"] is True
    (row,) = client.get(OUTCOMES, {"lesion": lesion.pk, "expand": "patient"}).json()["results"]
    assert row["expanded"]["patient"]["mrn"] == lesion.patient.mrn
    event = AuditEvent.objects.get(action="outcome.recorded")
    assert event.details == {"lesion": str(lesion.pk)}


def test_correct(client, side, lesion):
    first = OutcomeFactory(lesion=lesion)
    url = f"{OUTCOMES}{first.pk}/"
    tag = client.get(url)["ETag"]
    asked = {**FINDING, "correction_reason": "Second opinion."}
    response = client.post(f"{url}correct/", asked, HTTP_IF_MATCH=tag)
    assert (response.status_code, response.json()["corrects"]) == (201, str(first.pk))
    assert client.get(url).json()["is_current"] is False
    again = client.post(f"{url}correct/", asked)
    assert (again.status_code, again.json()["code"]) == (409, "already_corrected")
    assert client.post(f"{url}correct/", asked, HTTP_IF_MATCH=tag).status_code == 412
    assert Outcome.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"diagnosis": "melanoma"}, ("invalid_choice", "diagnosis")),
        ({"procedure": "guess"}, ("invalid_choice", "procedure")),
        ({"specimen_taken_on": "2999-01-01"}, ("date_in_future", "specimen_taken_on")),
        ({"reported_on": "2026-03-01"}, ("reported_before_specimen", "reported_on")),
        ({"diagnosis": "naevus"}, ("breslow_not_apt", "breslow_mm")),
        ({"breslow_mm": 0}, ("breslow_impossible", "breslow_mm")),
        ({"breslow_mm": 51}, ("breslow_impossible", "breslow_mm")),
        ({"comment": "c" * 4001}, ("comment_too_long", "comment")),
        ({"recorded_by": "x"}, ("unknown_field", "recorded_by")),
    ],
    ids=str,
)
def test_finding_that_can_not_be(client, lesion, changes, expected):
    response = client.post(OUTCOMES, {**FINDING, "lesion": lesion.pk, **changes})
    assert (response.status_code, codes(response)) == (400, [expected])
    assert not Outcome.objects.exists()


def test_lesion_of_the_other_clinic(client, side):
    theirs = OutcomeFactory(lesion=LesionFactory(patient__clinic=side.other.clinic))
    response = client.post(OUTCOMES, {**FINDING, "lesion": theirs.lesion_id})
    assert codes(response) == [("does_not_exist", "lesion")]
    assert client.get(OUTCOMES).json()["results"] == []


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("outcome_words_known", {"diagnosis": "guess"}),
        ("outcome_words_known", {"procedure": "guess"}),
        ("outcome_reported_after_specimen", {"reported_on": dt.date(2026, 3, 1)}),
        ("outcome_breslow_of_invasive_melanoma", {"breslow_mm": 1}),
        ("outcome_breslow_of_invasive_melanoma", {"breslow_mm": 0, "diagnosis": "melanoma_invasive"}),
        ("outcome_correction_has_reason", {"correction_reason": "Why not."}),
    ],
)
def test_database_keeps_the_rules(lesion, constraint, changes):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        OutcomeFactory(lesion=lesion, **changes)


def test_row_never_changes(lesion):
    outcome = OutcomeFactory(lesion=lesion, recorded_at=timezone.now())
    for change in (outcome.save, outcome.delete, Outcome.objects.all().delete):
        with pytest.raises(TypeError):
            change()
    with pytest.raises(TypeError):
        Outcome.objects.update(comment="x")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE classifier_outcome SET comment = 'x'")
