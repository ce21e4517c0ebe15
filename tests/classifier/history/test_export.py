"""The CSV of a filtered list: all of it, nothing else, harmless, recorded once."""

import csv
import datetime as dt
import io

import pytest

from classifier.exports import cases
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    LesionFactory,
    PatientFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
    restated_together,
)

pytestmark = pytest.mark.django_db


def export(client, address="/submissions/export/", **data):
    response = client.post(address, {"what": "all", **data})
    assert response.status_code == 200
    text = response.getvalue().decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_export_holds_the_whole_filtered_list(client, clinics, monkeypatch):
    monkeypatch.setattr(cases, "CHUNK", 7)
    with restated_together():
        for _ in range(30):
            answered_submission(clinics.own, "malignant")
    answered_submission(clinics.own, "benign")
    answered_submission(clinics.other, "malignant")
    client.force_login(clinics.own.clinician)

    rows = export(client, "/submissions/export/?outcome=malignant&page=2")

    assert len({row["submission_id"] for row in rows}) == len(rows) == 30
    assert {row["outcome"] for row in rows} == {"malignant"}
    event = AuditEvent.objects.get(action="submission.exported")
    assert event.details == {"count": 30, "left_out": 0, "filters": ["outcome"]}
    assert event.actor == clinics.own.clinician


def test_export_describes_a_signed_case(client, clinics):
    case = answered_submission(
        clinics.own, "malignant", submitted_at=dt.datetime(2026, 5, 16, 9, 30, tzinfo=dt.UTC)
    )
    first = ReviewFactory(submission=case)
    ReviewFactory(amends=first, diagnosis="melanoma", signed_by=clinics.own.dermatologist)
    client.force_login(clinics.own.administrator)

    [row] = export(client)

    assert row["submission_id"] == str(case.pk)
    assert row["submitted_at"] == "2026-05-16T09:30:00Z"
    assert row["mrn"] == case.lesion.patient.mrn
    assert row["patient_id"] == case.lesion.patient.public_id
    assert row["age_at_submission"] == "55"
    assert (row["calibrated_probability"], row["threshold"]) == ("0.91", "0.5")
    assert (row["diagnosis"], row["review_versions"]) == ("melanoma", "2")
    assert case.clinical_question not in str(row)


def test_selected_rows_only_and_never_those_of_another_clinic(client, clinics):
    chosen, _ = answered_submission(clinics.own), answered_submission(clinics.own)
    foreign = answered_submission(clinics.other)
    client.force_login(clinics.own.clinician)

    rows = export(client, what="selected", selected=[chosen.pk, foreign.pk, "nonsense"])

    assert [row["submission_id"] for row in rows] == [str(chosen.pk)]
    assert AuditEvent.objects.get(action="submission.exported").details["filters"] == ["selected"]


def test_hostile_record_number_does_not_run(client, clinics):
    patient = PatientFactory(clinic=clinics.own.clinic, mrn='=HYPERLINK("http://x","y")')
    SubmissionFactory(lesion=LesionFactory(patient=patient))
    client.force_login(clinics.own.clinician)

    [row] = export(client)

    assert row["mrn"] == '\'=HYPERLINK("http://x","y")'


def test_case_in_work_and_hidden_case_export_no_outcome(client, clinics):
    clinics.own.clinic.hide_result_until_read = True
    clinics.own.clinic.save()
    queued = SubmissionFactory(clinic=clinics.own.clinic)
    PredictionFactory(submission=queued)
    answered_submission(clinics.own, "malignant")
    client.force_login(clinics.own.dermatologist)

    rows = export(client)

    assert {row["headline"] for row in rows} == {"queued", "hidden"}
    assert {row["outcome"] + row["calibrated_probability"] for row in rows} == {""}


def test_search_narrows_the_export_too(client, clinics):
    case, _ = answered_submission(clinics.own), answered_submission(clinics.own)
    client.force_login(clinics.own.clinician)
    found = client.post("/submissions/search/", {"word": case.lesion.patient.mrn})

    query = found["Location"].partition("?")[2]
    assert [row["submission_id"] for row in export(client, f"/submissions/export/?{query}")] == [str(case.pk)]


def test_nothing_is_exported_for_a_search_that_has_ended(client, clinics):
    answered_submission(clinics.own)
    client.force_login(clinics.own.clinician)

    answer = client.post("/submissions/export/?state=awaiting_review&search=long-gone-key", {"what": "all"})

    assert answer.url == "/submissions/?state=awaiting_review&search=long-gone-key"
    assert "Nothing was exported" in client.get(answer.url).content.decode()
    assert not AuditEvent.objects.filter(action="submission.exported").exists()


def test_export_needs_a_post(client, clinics):
    client.force_login(clinics.own.clinician)

    assert client.get("/submissions/export/").status_code == 405
    assert not AuditEvent.objects.filter(action="submission.exported").exists()
