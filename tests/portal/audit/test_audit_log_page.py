"""The audit log as administrators read it, filter it and take it out."""

import csv
import io
import re
from pathlib import Path

import pytest

from classifier.cases.reading_claims import claim_case
from classifier.labels.audit import ACTION_WORDS, describe_action
from classifier.orders import acknowledge_order
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import record_event, verify_chains
from tests.factories import MembershipFactory, ReviewFactory, answered_submission

pytestmark = pytest.mark.django_db
PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def read_page(client, clinics):
    case = answered_submission(clinics.own)
    for staff in (clinics.own, clinics.other):
        for actor, action in (
            (staff.clinician, "submission.created"),
            (staff.dermatologist, "submission.viewed"),
        ):
            record_event(
                clinic_id=staff.clinic.pk, action=action, actor=actor, obj=case, details={"images": 1}
            )
    client.force_login(clinics.own.administrator)

    def read(**query):
        return [row.event for row in client.get("/settings/audit/", query).context["rows"]]

    return read


def test_audit_log_is_of_the_own_clinic_newest_first(read_page, clinics):
    assert [event.action for event in read_page()] == ["submission.viewed", "submission.created"]
    assert {event.chain.clinic_id for event in read_page()} == {clinics.own.clinic.pk}


def test_audit_log_is_filtered_by_action_person_and_date(read_page, clinics):
    assert [event.action for event in read_page(action="submission.created")] == ["submission.created"]
    assert [event.actor for event in read_page(person=clinics.own.dermatologist.pk)] == [
        clinics.own.dermatologist
    ]
    assert read_page(until="2020-01-01") == []
    assert len(read_page(since="2020-01-01")) == 2
    assert len(read_page(person=clinics.other.clinician.pk)) == 2


def test_audit_log_of_a_day_too_far_away_is_whole_and_says_so(read_page, client):
    assert len(read_page(until="9999-12-31")) == 2
    assert "9999-12-31 lies outside the years" in client.get("/settings/audit/", {"until": "9999-12-31"}).text


def test_every_action_that_a_clinic_reads_of_has_words():
    said = re.compile(
        r'clinic_id=(?!None)[^\n=]+,\s*action=(?:f?"([a-z_.]+)"|[^\n]*?"([a-z_.]+)" if [^\n]+ else "([a-z_.]+)")'
    )
    found = {
        action
        for room in ("classifier", "portal")
        for path in (PROJECT / room).rglob("*.py")
        for actions in said.findall(path.read_text())
        for action in actions
        if "." in action
    }

    assert len(found) > 40
    assert found - set(ACTION_WORDS) == set()


def test_audit_log_reads_in_plain_words(read_page, client, clinics):
    page = client.get("/settings/audit/").content.decode()

    assert "looked at a case" in page
    assert "images: 1" in page
    assert describe_action("something.quite_new") == "something quite new"


def test_rows_leave_ids_to_the_export(read_page, client, clinics):
    case = answered_submission(clinics.own)
    claim_case(actor=clinics.own.dermatologist, submission=case)
    colleague = MembershipFactory(clinic=clinics.own.clinic, role="dermatologist").user
    claim_case(actor=colleague, submission=case, takeover=True)
    review = ReviewFactory(submission=case, management="excise")
    acknowledge_order(actor=clinics.own.clinician, submission=case, done="excised")

    rows = {row.event.action: row.details for row in client.get("/settings/audit/").context["rows"]}

    assert str(clinics.own.dermatologist.pk) not in rows["submission.claim_taken_over"]
    assert str(review.pk) not in rows["order.acknowledged"]
    assert "done: excised" in rows["order.acknowledged"]


def test_audit_log_pages_hold_fifty(read_page, client, clinics):
    for _ in range(60):
        record_event(clinic_id=clinics.own.clinic.pk, action="worklist.listed")

    assert len(read_page()) == 50
    assert len(read_page(page=2)) == 12


def test_export_is_complete_and_recorded(read_page, client, clinics):
    answer = client.post("/settings/audit/export/?action=submission.created")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))

    assert [row["action"] for row in rows] == ["submission.created"]
    assert rows[0]["person"] == clinics.own.clinician.full_name
    event = AuditEvent.objects.get(action="audit.exported")
    assert event.details == {"count": 1, "filters": ["action"]}
    assert list(verify_chains()) == []


def test_audit_log_is_for_administrators(read_page, client, clinics):
    for person in (clinics.own.clinician, clinics.own.dermatologist):
        client.force_login(person)
        assert client.get("/settings/audit/").status_code == 403
        assert client.post("/settings/audit/export/").status_code == 403


class TestSearch:
    def test_by_patient(self, read_page, clinics):
        case, other = answered_submission(clinics.own), answered_submission(clinics.own)
        patient = case.lesion.patient
        image = case.images.get()
        for row in (patient, case.lesion, case, image, image.predictions.get(), other):
            record_event(clinic_id=clinics.own.clinic.pk, action="test.seen", obj=row)
        for name in (patient.public_id, patient.public_id.lower(), str(patient.pk)):
            assert len(read_page(patient=name)) == 5
        assert read_page(patient="P-NOBODY22") == []

    def test_patient_of_another_clinic_has_no_events_here(self, read_page, clinics):
        patient = answered_submission(clinics.other).lesion.patient
        record_event(clinic_id=clinics.own.clinic.pk, action="test.seen", obj=patient)
        assert read_page(patient=patient.public_id) == []

    def test_by_kind_and_object(self, read_page, clinics):
        case = answered_submission(clinics.own)
        record_event(clinic_id=clinics.own.clinic.pk, action="patient.viewed", obj=case.lesion.patient)
        assert [event.action for event in read_page(kind="classifier.patient")] == ["patient.viewed"]
        assert len(read_page(object_id=str(case.lesion.patient_id))) == 1
        assert read_page(object_id=str(case.pk)) == []
