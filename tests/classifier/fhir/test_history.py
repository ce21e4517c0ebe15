"""Whoever acted on a preliminary report can read later what it said then."""

import pytest

from classifier.cases.withdrawal import cancel_submission
from portal.trust.audit.models import AuditEvent
from tests.classifier.fhir.conftest import ROOT, codes, read
from tests.factories import ReviewFactory, answered_submission

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(fhir, side):
    return fhir(side.own.clinician)


@pytest.fixture
def case(side):
    return answered_submission(side.own, "malignant")


def history_of(client, case):
    bundle = read(client, f"DiagnosticReport/{case.pk}/_history")
    assert bundle["type"] == "history"
    assert bundle["total"] == len(bundle["entry"])
    return [entry["resource"] for entry in bundle["entry"]], bundle["entry"]


def test_every_version_as_it_was_read_then(client, case):
    path = f"DiagnosticReport/{case.pk}"
    read_then = [read(client, path)]
    signed = ReviewFactory(submission=case, diagnosis="melanoma")
    read_then.append(read(client, path))
    ReviewFactory(amends=signed, diagnosis="naevus")
    read_then.append(read(client, path))

    versions, entries = history_of(client, case)
    assert [one["status"] for one in versions] == ["amended", "final", "preliminary"]
    assert versions == read_then[::-1]
    moments = [one["meta"]["lastUpdated"] for one in versions]
    assert moments == sorted(moments, reverse=True)
    assert [entry["request"]["method"] for entry in entries] == ["PUT", "PUT", "POST"]
    for one in versions:
        assert read(client, f"{path}/_history/{one['meta']['versionId']}") == one


def test_what_was_read_before_a_withdrawal(client, side):
    case = answered_submission(side.own, "benign")
    path = f"DiagnosticReport/{case.pk}"
    before = read(client, path)
    cancel_submission(actor=side.own.clinician, submission=case, reason="Sent twice?")
    after = read(client, path)

    versions, _ = history_of(client, case)

    assert versions == [after, before]
    assert "Sent twice?" in after["conclusion"]
    assert "Sent twice?." not in after["conclusion"]


def test_a_version_has_its_tag(client, case):
    ((current,), _) = history_of(client, case)
    address = f"{ROOT}/DiagnosticReport/{case.pk}/_history/{current['meta']['versionId']}"
    answer = client.get(address)
    assert answer["ETag"] == f'W/"{current["meta"]["versionId"]}"'
    assert client.get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_what_is_hidden_stays_hidden_in_a_version(fhir, side, case):
    clinic = side.own.clinic
    clinic.hide_result_until_read = True
    clinic.save()
    ReviewFactory(submission=case)
    (_, before), _ = history_of(fhir(side.own.dermatologist), case)
    assert "conclusionCode" not in before
    (_, told), _ = history_of(fhir(side.own.clinician), case)
    assert "conclusionCode" in told


def test_unknown_versions_and_reports(client, fhir, side, case):
    path = f"{ROOT}/DiagnosticReport/{case.pk}/_history"
    assert codes(client.get(f"{path}/nothing")) == [("not-found", "not_found")]
    assert fhir(side.other.clinician).get(path).status_code == 404


def test_looking_at_a_history_leaves_an_event(client, case):
    history_of(client, case)
    assert AuditEvent.objects.filter(action="submission.viewed", object_id=str(case.pk)).count() == 1


def test_the_statement_offers_it_where_there_is_one(client):
    offered = {one["type"]: one for one in read(client, "metadata")["rest"][0]["resource"]}
    for kind, one in offered.items():
        codes_of = {interaction["code"] for interaction in one["interaction"]}
        has_history = kind == "DiagnosticReport"
        assert one.get("readHistory", False) == has_history
        assert ({"vread", "history-instance"} <= codes_of) == has_history
