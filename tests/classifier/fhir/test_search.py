"""Searches: what narrows them, how they are paged, and what they leave in the audit log and in addresses."""

import datetime as dt
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from classifier.patients.lesions import update_lesion
from classifier.patients.patients import update_patient
from portal.trust.audit.models import AuditEvent
from tests.classifier.fhir.conftest import BASE, ROOT, check, codes, ids, included, post_search, read, search
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


@pytest.fixture
def client(fhir, side):
    return fhir(side.own.integration)


def follow(client, path) -> list[list[str]]:
    """The ids of every page, by the Bundles' own links."""
    pages = []
    url = f"{ROOT}/{path}"
    while url:
        bundle = check(client.get(url))
        pages.append(ids([entry["resource"] for entry in bundle.get("entry", [])]))
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        again = check(client.get(links["self"]))
        for page in (again, bundle):
            # What is sealed looks different each time.
            page["link"] = [link for link in page["link"] if "_cursor=~" not in link["url"]]
        assert again == bundle, "the self link is the page itself"
        url = links.get("next")
    return pages


def test_pages_hold_still_while_cases_arrive(client, side):
    moment = timezone.now()
    with restated_together():
        rows = [SubmissionFactory(clinic=side.own.clinic, submitted_at=moment) for _ in range(5)]
    SubmissionFactory(clinic=side.other.clinic)
    first = read(client, "ServiceRequest?_count=2")
    assert first["total"] == 5
    SubmissionFactory(clinic=side.own.clinic)
    pages = follow(client, "ServiceRequest?_count=2")
    assert [len(page) for page in pages] == [2, 2, 2]
    assert {key for page in pages for key in page} >= {str(row.pk) for row in rows}
    following = next(link["url"] for link in first["link"] if link["relation"] == "next")
    second = follow(client, following.removeprefix(f"{BASE}/"))
    seen = ids([entry["resource"] for entry in first["entry"]]) + [key for page in second for key in page]
    assert sorted(seen) == sorted(str(row.pk) for row in rows)


def test_count_has_a_most_and_may_be_nothing(client, side):
    PatientFactory(clinic=side.own.clinic)
    for asked, told in (("1000", "_count=100"), ("0", "_count=0"), ("9" * 5000, "_count=100")):
        bundle = read(client, f"Patient?_count={asked}")
        assert bundle["link"][0]["url"] == f"{BASE}/Patient?{told}"
        assert bundle["total"] == 1
    assert "entry" not in read(client, "Patient?_summary=count")
    assert codes(client.get(f"{ROOT}/Patient?_count=x")) == [("value", "invalid_count")]
    for cursor in ("x", "eA", "MjAyNi0wMS0wMSB4"):
        assert codes(client.get(f"{ROOT}/Patient?_cursor={cursor}")) == [("value", "invalid_cursor")]


def test_a_patient_is_found_by_post_alone(client, side):
    patient = PatientFactory(clinic=side.own.clinic, mrn="MRN 42")
    PatientFactory(clinic=side.other.clinic, mrn="MRN 42")
    own, other = (f"urn:dermaport:identifier:mrn:{staff.clinic.pk}" for staff in (side.own, side.other))
    for identifier, expected in (
        (f"{own}|MRN 42", [str(patient.pk)]),
        (f"{own}| MRN  42", [str(patient.pk)]),
        ("MRN 42", [str(patient.pk)]),
        (patient.public_id, [str(patient.pk)]),
        (f"{other}|MRN 42", []),
        ("urn:somebody:else|MRN 42", []),
        (f"{own}|MRN 43,{own}|MRN 42", [str(patient.pk)]),
    ):
        bundle = check(post_search(client, "Patient", identifier=identifier))
        assert ids([entry["resource"] for entry in bundle.get("entry", [])]) == expected, identifier
        assert "MRN" not in str(bundle["link"]), "a link is an address"
    for refused in (
        client.get(f"{ROOT}/Patient", {"identifier": "MRN 42"}),
        client.post(
            f"{ROOT}/Patient/_search?identifier=MRN+42", content_type="application/x-www-form-urlencoded"
        ),
    ):
        assert refused.status_code == 400
        assert codes(refused) == [("not-supported", "use_post_search")]
        assert "MRN 42" not in refused.content.decode()


def test_any_identifier_of_a_system(client, side):
    patient = PatientFactory(clinic=side.own.clinic)
    PatientFactory(clinic=side.other.clinic)
    own, other = (f"urn:dermaport:identifier:mrn:{staff.clinic.pk}" for staff in (side.own, side.other))
    for identifier, expected in (
        (f"{own}|", [str(patient.pk)]),
        ("urn:dermaport:identifier:patient-pseudonym|", [str(patient.pk)]),
        (f"{other}|", []),
        ("urn:somebody:else|", []),
        (f"|{patient.mrn}", []),
    ):
        bundle = check(post_search(client, "Patient", identifier=identifier))
        assert ids([entry["resource"] for entry in bundle.get("entry", [])]) == expected, identifier
    refused = post_search(client, "ServiceRequest", identifier="urn:my-ehr:order|")
    assert codes(refused) == [("not-supported", "identifier_value_missing")]


def test_a_bar_within_a_value(client, side):
    """Behind a backslash it parts nothing; one that parts is the first."""
    patient = PatientFactory(clinic=side.own.clinic, mrn="A|B")
    system = f"urn:dermaport:identifier:mrn:{side.own.clinic.pk}"
    for identifier in (f"{system}|A\\|B", f"{system}|A|B", "A\\|B"):
        bundle = check(post_search(client, "Patient", identifier=identifier))
        assert ids([entry["resource"] for entry in bundle.get("entry", [])]) == [str(patient.pk)], identifier


def test_codes_of_a_system(client, side):
    case = SubmissionFactory(clinic=side.own.clinic, priority="urgent")
    fhir = "http://hl7.org/fhir"
    for path, expected in (
        (f"ServiceRequest?priority={fhir}/request-priority|urgent", 1),
        (f"ServiceRequest?priority={fhir}/request-priority|", 1),
        ("ServiceRequest?priority=|urgent", 1),
        ("ServiceRequest?priority=urn:x|urgent", 0),
        ("ServiceRequest?priority=urn:x|", 0),
        ("ServiceRequest?priority=", 0),
        (f"ServiceRequest?status={fhir}/request-status|", 1),
        (f"DiagnosticReport?status={fhir}/diagnostic-report-status|", 1),
        (f"DiagnosticReport?status={fhir}/request-status|", 0),
    ):
        assert ids(search(client, path)) == [str(case.pk)] * expected, path


def test_pages_of_a_posted_search_hold_the_same_search(client, side, fhir):
    """What identifies a patient goes on in the cursor, sealed; each page is of those that were asked for."""
    clinic = side.own.clinic
    asked = [PatientFactory(clinic=clinic, mrn=f"TOLD-{number}") for number in range(3)]
    for number in range(4):
        PatientFactory(clinic=clinic, mrn=f"ELSE-{number}")
    system = f"urn:dermaport:identifier:mrn:{clinic.pk}"
    sent = {"identifier": ",".join(f"{system}|{row.mrn}" for row in asked), "organization": str(clinic.pk)}
    first = check(post_search(client, "Patient", **sent, _count="1"))
    links = {link["relation"]: link["url"] for link in first["link"]}
    pages = follow(client, links["self"].removeprefix(f"{BASE}/"))
    assert [len(page) for page in pages] == [1, 1, 1]
    assert sorted(key for page in pages for key in page) == sorted(str(row.pk) for row in asked)
    assert first["total"] == check(client.get(links["next"]))["total"] == 3
    for link in links.values():
        assert "TOLD" not in link
        assert "identifier" not in link
    filters = AuditEvent.objects.filter(action="patient.listed").values_list("details__filters", flat=True)
    assert {tuple(one) for one in filters} == {("identifier", "organization")}
    cursor = links["next"].partition("_cursor=")[2]
    for spoilt in (cursor[:-6] + "AAAAAA", "~", "~x", f"{cursor}x" * 2):
        assert codes(client.get(f"{ROOT}/Patient?_cursor={spoilt}")) == [("value", "invalid_cursor")], spoilt
    assert codes(client.get(f"{ROOT}/ServiceRequest?_cursor={cursor}")) == [("value", "invalid_cursor")]
    somebody = fhir(side.own.clinician)
    assert codes(somebody.get(f"{ROOT}/Patient?_cursor={cursor}")) == [("value", "invalid_cursor")]


def test_a_search_that_no_address_can_hold(client, side):
    """It is answered, and told to be too long where it would go on."""
    clinic = side.own.clinic
    for number in range(2):
        PatientFactory(clinic=clinic, mrn=f"LONG-{number}")
    chance = random.Random(1)
    numbers = [f"{chance.getrandbits(256):x}" for _ in range(170)]
    sent = ",".join(["LONG-0", "LONG-1", *numbers])
    bundle = check(post_search(client, "Patient", identifier=sent))
    assert bundle["total"] == 2
    assert bundle["link"] == [{"relation": "self", "url": f"{BASE}/Patient?_count=25"}]
    refused = post_search(client, "Patient", identifier=sent, _count="1")
    assert codes(refused) == [("too-costly", "search_too_long")]


def test_posting_nothing_is_a_search_for_everything(client, side):
    patient = PatientFactory(clinic=side.own.clinic)
    bundle = check(client.post(f"{ROOT}/Patient/_search", content_type="application/x-www-form-urlencoded"))
    assert ids([entry["resource"] for entry in bundle["entry"]]) == [str(patient.pk)]
    narrowed = client.post(
        f"{ROOT}/Patient/_search?_count=0", "_id=x", content_type="application/x-www-form-urlencoded"
    )
    assert check(narrowed)["link"][0]["url"] == f"{BASE}/Patient?_id=x&_count=0"


def test_a_form_larger_than_the_site_takes_is_refused(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    response = post_search(client, "Patient", identifier="1" * 100)
    assert response.status_code == 413
    assert codes(response) == [("too-long", "request_too_large")]


def test_unknown_parameters(client, side):
    path = f"{ROOT}/Patient?name=x&_include=Patient:nothing"
    bundle = check(client.get(path))
    assert bundle["link"][0]["url"] == f"{BASE}/Patient?_count=25", "what was not understood is not claimed"
    strict = client.get(path, headers={"Prefer": "return=minimal; handling=strict"})
    assert strict.status_code == 400
    assert codes(strict) == [("not-supported", "unknown_parameter")]
    include = client.get(f"{ROOT}/Patient?_include=Patient:nothing", headers={"Prefer": "handling=strict"})
    assert codes(include) == [("not-supported", "unknown_include")]


def test_by_reference(client, side):
    lesion = LesionFactory(clinic=side.own.clinic)
    case = SubmissionFactory(lesion=lesion)
    SubmissionFactory(clinic=side.own.clinic)
    prediction = PredictionFactory(submission=case)
    patient = lesion.patient_id
    for path, expected in (
        (f"ServiceRequest?patient={patient}", case),
        (f"ServiceRequest?subject=Patient/{patient}", case),
        (f"ServiceRequest?subject={BASE}/Patient/{patient}", case),
        (f"BodyStructure?patient={patient}", lesion),
        (f"Media?patient={patient}", prediction.image),
        (f"Media?based-on=ServiceRequest/{case.pk}", prediction.image),
        (f"Observation?patient={patient}", prediction),
        (f"Observation?derived-from=Media/{prediction.image_id}", prediction),
        (f"DiagnosticReport?based-on=ServiceRequest/{case.pk}", case),
        (f"DiagnosticReport?patient={patient}", case),
        (f"Patient?_id={patient},nothing", lesion.patient),
    ):
        assert ids(search(client, path)) == [str(expected.pk)], path
    assert codes(client.get(f"{ROOT}/ServiceRequest?subject=Group/{patient}")) == [
        ("value", "wrong_reference")
    ]
    assert codes(client.get(f"{ROOT}/Provenance")) == [("required", "target_required")]


def test_reports_and_requests_by_status(client, side):
    waiting = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=waiting)
    failed = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=failed, state="failed")
    judged, signed, amended = (answered_submission(side.own) for _ in range(3))
    ReviewFactory(submission=signed)
    ReviewFactory(amends=ReviewFactory(submission=amended))
    cancelled = answered_submission(side.own, cancelled_at=timezone.now(), cancelled_by=side.own.clinician)
    for status, cases in (
        ("registered", [waiting, failed]),
        ("preliminary", [judged]),
        ("final", [signed]),
        ("amended", [amended]),
        ("cancelled", [cancelled]),
        ("final,amended", [signed, amended]),
        ("unheard-of", []),
    ):
        found = search(client, f"DiagnosticReport?status={status}")
        assert {one["id"] for one in found} == {str(case.pk) for case in cases}, status
        assert all(one["status"] in status.split(",") for one in found), "as each report says of itself"
    for status, cases in (
        ("active", [waiting, failed, judged]),
        ("completed", [signed, amended]),
        ("revoked", [cancelled]),
    ):
        found = search(client, f"ServiceRequest?status={status}")
        assert {one["id"] for one in found} == {str(case.pk) for case in cases}, status


def test_what_changed_since(client, side):
    long_ago = timezone.now() - dt.timedelta(days=9)
    case = SubmissionFactory(clinic=side.own.clinic, submitted_at=long_ago)
    since = (timezone.now() - dt.timedelta(minutes=5)).isoformat()
    for kind in ("ServiceRequest", "DiagnosticReport"):
        assert search(client, f"{kind}?_lastUpdated=ge{since}") == []
    ReviewFactory(submission=case)
    for kind in ("ServiceRequest", "DiagnosticReport"):
        (found,) = search(client, f"{kind}?_lastUpdated=ge{since}")
        assert found["id"] == str(case.pk)
        assert search(client, f"{kind}?_lastUpdated={found['meta']['lastUpdated']}") == [found]
    day = f"{long_ago:%Y-%m-%d}"
    for value, count in ((day, 1), (f"lt{day}", 0), (f"le{day}", 1), (f"gt{day}", 0), (f"{day}T00:00Z", 0)):
        assert len(search(client, f"ServiceRequest?authored={value}")) == count, value
    for value in (
        *("yesterday", "2026-13-01", "xx2026", "2026-01-01T99:00", "9999"),
        *("20260101", "2026-W01-1", "2026-001", "2026-01-01T10", "2026-01-01T1030", "2026-01-01T10:30:00,5"),
    ):
        assert codes(client.get(f"{ROOT}/ServiceRequest?authored={value}")) == [("value", "invalid_date")]


def test_a_date_is_as_wide_as_it_is_written(client, side):
    """A minute without seconds is the whole minute, of every date parameter."""
    moment = dt.datetime(2026, 3, 1, 10, 30, 59, 250_000, tzinfo=dt.UTC)
    case = SubmissionFactory(clinic=side.own.clinic, submitted_at=moment)
    for value, count in (
        ("2026-03-01T10:30Z", 1),
        ("2026-03-01T12:30%2B02:00", 1),
        ("2026-03-01T10:31Z", 0),
        ("2026-03-01T10:29Z", 0),
        ("le2026-03-01T10:30Z", 1),
        ("gt2026-03-01T10:30Z", 0),
        ("gt2026-03-01T10:29Z", 1),
        ("ne2026-03-01T10:30Z", 0),
        ("2026-03-01T10:30:59Z", 1),
        ("2026-03-01T10:30:58Z", 0),
        ("2026-03-01T10:30:59.2Z", 1),
        ("2026-03-01T10:30:59.25Z", 1),
        ("2026-03-01T10:30:59.250Z", 1),
        ("2026-03-01T10:30:59.3Z", 0),
        ("2026-03-01T10:30:59.249Z", 0),
    ):
        for path in (f"ServiceRequest?authored={value}", f"ServiceRequest?_lastUpdated={value}"):
            assert ids(search(client, path)) == [str(case.pk)] * count, path
        assert ids(search(client, f"DiagnosticReport?_lastUpdated={value}")) == [str(case.pk)] * count, value


def test_a_corrected_patient_has_changed(client, side):
    patient, untouched = (PatientFactory(clinic=side.own.clinic) for _ in range(2))
    before = read(client, f"Patient/{patient.pk}")["meta"]
    update_patient(actor=side.own.clinician, patient=patient, sex="other")
    after = read(client, f"Patient/{patient.pk}")["meta"]
    assert after["lastUpdated"] > before["lastUpdated"]
    assert after["versionId"] != before["versionId"]
    patient.refresh_from_db()
    corrected = patient.corrected_at.isoformat()
    assert ids(search(client, f"Patient?_lastUpdated=ge{corrected}")) == [str(patient.pk)]
    assert ids(search(client, f"Patient?_lastUpdated=lt{corrected}")) == [str(untouched.pk)]


def test_a_corrected_lesion_has_changed(client, side):
    lesion, untouched = (LesionFactory(clinic=side.own.clinic) for _ in range(2))
    before = read(client, f"BodyStructure/{lesion.pk}")["meta"]
    update_lesion(actor=side.own.clinician, lesion=lesion, laterality="midline")
    assert read(client, f"BodyStructure/{lesion.pk}")["meta"]["lastUpdated"] > before["lastUpdated"]
    lesion.refresh_from_db()
    corrected = lesion.corrected_at.isoformat()
    assert ids(search(client, f"BodyStructure?_lastUpdated=ge{corrected}")) == [str(lesion.pk)]
    assert ids(search(client, f"BodyStructure?_lastUpdated=lt{corrected}")) == [str(untouched.pk)]


def test_what_points_back_comes_along(client, side):
    case = answered_submission(side.own)
    prediction = case.images.get().predictions.get()
    back = "&".join(f"_revinclude={kind}:based-on" for kind in ("DiagnosticReport", "Media", "Observation"))
    found = included(client, f"ServiceRequest?_id={case.pk}&_include=ServiceRequest:subject&{back}")
    assert found == [
        ("DiagnosticReport", str(case.pk)),
        ("Media", str(prediction.image_id)),
        ("Observation", str(prediction.pk)),
        ("Patient", str(case.lesion.patient_id)),
    ]


def test_searching_leaves_one_event_a_clinic(client, side):
    case = answered_submission(side.own)
    search(client, f"DiagnosticReport?patient={case.lesion.patient_id}&_include=DiagnosticReport:result")
    event = AuditEvent.objects.get(action="submission.listed")
    assert (event.chain.clinic, event.actor) == (side.own.clinic, side.own.integration)
    assert event.details == {"rows": 1, "included": 1, "filters": ["patient"], "source": "fhir"}


@pytest.mark.parametrize("kind", ["ServiceRequest", "DiagnosticReport", "Media", "Observation", "Patient"])
def test_queries_do_not_grow_with_the_rows(client, side, kind):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            read(client, kind)
        return len(queries)

    answered_submission(side.own)
    count()
    few = count()
    with restated_together():
        for _ in range(4):
            answered_submission(side.own, "benign", "malignant")
    assert count() == few
