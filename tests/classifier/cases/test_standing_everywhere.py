"""One case at every door of programs: benign by the model, signed as melanoma, proven invasive by histology.

Each door is asked after each step, so that none goes on saying what the model said.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone

from classifier.cases.withdrawal import cancel_submission
from classifier.client.reading import read_record
from classifier.client.records import LesionRecord, PatientRecord
from classifier.labels.text import describe_day
from classifier.models import Acknowledgement
from classifier.models import Submission as Case
from classifier.preconditions import tag_of
from tests.classifier.cases.doors import ROOT, api, read_archive, read_by_client, read_export, read_fhir
from tests.classifier.cases.looking import get, open_as
from tests.classifier.report.papers import judge, make_case, read
from tests.factories import (
    LesionFactory,
    OutcomeFactory,
    PredictionFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    answered_submission,
    two_clinics,
)


@dataclass(frozen=True)
class Step:
    value: str
    basis: str
    diagnosis: str | None
    label: str
    said_by: str | None
    management: str | None


@pytest.fixture
def side(db, stores):
    return two_clinics()


@pytest.fixture
def case(side):
    case = make_case(side.own)
    judge(case, "benign")
    return case


def sign(side, case, **changes) -> Any:
    decision = {"submission": str(case.pk), "diagnosis": "melanoma", "management": "excise", **changes}
    answer = api(side.own.dermatologist).post(f"{ROOT}/reviews/", decision)
    assert answer.status_code == 201, answer.content
    return answer


def find_invasive(side, case) -> None:
    today = timezone.localdate().isoformat()
    finding = {"diagnosis": "melanoma_invasive", "procedure": "excision", "breslow_mm": 1.2}
    answer = api(side.own.clinician).post(
        f"{ROOT}/outcomes/",
        {**finding, "lesion": str(case.lesion_id), "specimen_taken_on": today, "reported_on": today},
    )
    assert answer.status_code == 201, answer.content


def read_rest(side, case) -> list[dict[str, Any]]:
    """The standing from the detail, the list, the lesion and the patient."""
    client = api(side.own.clinician)
    lesion = case.lesion
    detail = client.get(f"{ROOT}/submissions/{case.pk}/").json()
    (row,) = client.get(f"{ROOT}/submissions/").json()["results"]
    pages = (f"lesions/{lesion.pk}/", f"patients/{lesion.patient_id}/")
    lists = ("lesions/", "patients/")
    return [
        detail["standing"],
        row["standing"],
        *(client.get(f"{ROOT}/{page}").json()["standing"] for page in pages),
        *(client.get(f"{ROOT}/{page}").json()["results"][0]["standing"] for page in lists),
    ]


def check_every_door(side, case, expected: Step) -> None:
    columns = {
        "standing": expected.value,
        "standing_basis": expected.basis,
        "standing_diagnosis": expected.diagnosis or "",
        "standing_by": expected.said_by or "",
        "order": expected.management or "",
    }
    for standing in read_rest(side, case):
        said = (standing["value"], standing["basis"], standing["diagnosis"], standing["label"])
        assert said == (expected.value, expected.basis, expected.diagnosis, expected.label)
        assert (standing["said_by"] or {}).get("name") == expected.said_by
        assert standing["at"]
    exported = read_export(side)
    assert {name: exported[name] for name in columns} == columns
    # What the model said keeps its column.
    assert exported["outcome"] == "benign"
    facts, archived = read_archive(side, case)
    assert {name: archived[name] for name in columns} == columns
    for held in (facts["standing"], facts["lesions"][0]["standing"], facts["submissions"][0]["standing"]):
        assert (held["value"], held["label"], held["said_by"]) == (
            expected.value,
            expected.label,
            expected.said_by,
        )
    record, row = read_by_client(side, case)
    assert (record.standing.value, record.standing.label) == (expected.value, expected.label)
    assert {name: row[name] for name in columns} == columns
    assert row["outcome"] == "benign"
    paper = read(side.own.clinician, case)
    opening = paper.partition("Patient MRN")[0]
    assert expected.label in opening
    codes = [one["coding"][0] for one in read_fhir(side, case)["conclusionCode"]]
    assert {"system": "urn:dermaport:code:standing", "code": expected.value} in [
        {name: code[name] for name in ("system", "code")} for code in codes
    ]


def test_what_people_decide_is_what_every_door_says(side, case):
    own = side.own
    check_every_door(side, case, Step("benign", "model", None, "Benign", None, None))
    assert read_fhir(side, case)["conclusion"].startswith("Preliminary, from the model alone.")

    sign(side, case)
    dermatologist = own.dermatologist.get_full_name()
    signed = Step("malignant", "review", "melanoma", "Melanoma", dermatologist, "excise")
    check_every_door(side, case, signed)
    report = read_fhir(side, case)
    assert (report["status"], report["conclusionCode"][0]["coding"][0]["code"]) == ("final", "melanoma")
    assert "Model: benign; the dermatologist's diagnosis differs." in report["conclusion"]
    paper = read(own.clinician, case)
    assert "the dermatologist's diagnosis differs" in paper
    assert paper.index("Melanoma") < paper.index("Benign")

    find_invasive(side, case)
    proven = Step(
        "malignant",
        "histopathology",
        "melanoma_invasive",
        "Invasive melanoma",
        own.clinician.get_full_name(),
        "excise",
    )
    check_every_door(side, case, proven)
    report = read_fhir(side, case)
    assert report["conclusion"].startswith("Pathologist: invasive melanoma, Breslow 1.2 mm")
    assert report["conclusionCode"][0]["coding"][0] == {
        "system": "urn:dermaport:code:histopathology",
        "code": "melanoma_invasive",
        "display": "Invasive melanoma",
    }
    assert report["status"] == "final"


@pytest.mark.parametrize("is_signed", [False, True])
def test_against_a_malignant_finding_the_report_says_whose_word_benign_was(side, case, is_signed):
    if is_signed:
        sign(side, case, diagnosis="naevus", management="no_action", comment="Regular network.")
    find_invasive(side, case)
    finding, *former = read_fhir(side, case)["conclusion"].split(". ")
    assert finding.startswith("Pathologist: invasive melanoma")
    said = ". ".join(former)
    assert "The model had said benign; the pathologist's finding differs." in said
    assert "Preliminary" not in said
    assert "reads this lesion as benign" not in said
    dermatologist = side.own.dermatologist.get_full_name()
    assert (f"{dermatologist} had signed: melanocytic naevus, no further action" in said) == is_signed
    assert ("Regular network." in said) == is_signed
    assert "Melanocytic naevus. No further action." not in said


def test_the_benign_finding_takes_the_dermatologists_melanoma_back(side, case):
    sign(side, case)
    OutcomeFactory(
        lesion=case.lesion,
        diagnosis="naevus",
        recorded_by=side.own.clinician,
        specimen_taken_on=timezone.localdate(),
        reported_on=timezone.localdate(),
    )
    for standing in read_rest(side, case):
        assert (standing["value"], standing["basis"]) == ("benign", "histopathology")
    codes = [one["coding"][0]["code"] for one in read_fhir(side, case)["conclusionCode"]]
    # The diagnosis that holds, and not the one that it replaced.
    assert codes == ["naevus", "excise", "benign"]


def test_history_of_the_report_says_what_was_held_for_then(side, case):
    sign(side, case)
    find_invasive(side, case)
    bundle = api(side.own.clinician).get(f"/fhir/r4/DiagnosticReport/{case.pk}/_history").json()
    conclusions = [entry["resource"]["conclusion"] for entry in bundle["entry"]]
    assert [text.partition(".")[0].partition(",")[0] for text in conclusions] == [
        "Pathologist: invasive melanoma",
        "Melanoma",
        "Preliminary",
    ]
    assert bundle["entry"][0]["resource"]["meta"] == read_fhir(side, case)["meta"]


def test_tags_change_with_the_standing(side, case):
    def tags() -> list[str]:
        case.refresh_from_db()
        lesion = type(case.lesion).objects.get(pk=case.lesion_id)
        fresh = Case.objects.get(pk=case.pk)
        return [tag_of(fresh), tag_of(lesion), tag_of(lesion.patient)]

    before = tags()
    sign(side, case)
    signed = tags()
    assert all(one != other for one, other in zip(before, signed, strict=True))
    client = api(side.own.clinician)
    acknowledgements = f"{ROOT}/submissions/{case.pk}/acknowledgements/"
    client.post(acknowledgements, {"done": "patient_informed"})
    assert tags()[0] != signed[0]
    acknowledged = tags()
    client.delete(f"{acknowledgements}{Acknowledgement.objects.get().pk}/")
    client.post(acknowledgements, {"done": "declined"})
    assert Acknowledgement.objects.in_force().get().done == "declined"
    assert tags()[0] != acknowledged[0], "the case says another word of what was done"
    find_invasive(side, case)
    assert all(one != other for one, other in zip(acknowledged, tags(), strict=True))


def test_filters_and_order_go_by_what_is_held_for(side, case):
    client = api(side.own.clinician)
    worse = answered_submission(side.own, "malignant")
    sign(side, case, management="urgent_referral")
    own, other = str(case.pk), str(worse.pk)

    def ids(**params) -> list[str]:
        answer = client.get(f"{ROOT}/submissions/", params)
        assert answer.status_code == 200, answer.content
        return [row["id"] for row in answer.json()["results"]]

    assert ids(ordering="risk") == [own, other]
    assert ids(ordering="-risk") == [other, own]
    assert ids(standing="benign") == []
    assert ids(standing="malignant", ordering="risk") == [own, other]
    assert ids(standing_basis="review") == [own]
    assert ids(order="open") == [own]
    assert ids(order="overdue") == []
    assert ids(order="none") == [other]
    Case.objects.filter(pk=case.pk).update(order_due_at=timezone.now() - dt.timedelta(hours=1))
    assert ids(order="overdue") == [own]
    assert client.get(f"{ROOT}/submissions/{own}/").json()["order"]["is_overdue"] is True
    for kind, row_id in (("lesions", case.lesion_id), ("patients", case.lesion.patient_id)):
        answer = client.get(f"{ROOT}/{kind}/", {"standing": "malignant", "ordering": "risk"}).json()
        assert answer["results"][0]["id"] == str(row_id)


def test_order_by_risk_goes_through_every_page(side):
    """Many of one rank: the page goes on where it was, and none is shown twice or left out."""
    made = {str(answered_submission(side.own).pk) for _ in range(5)}
    made.add(str(answered_submission(side.own, "malignant").pk))
    client = api(side.own.clinician)
    url, found = f"{ROOT}/submissions/?ordering=risk&page_size=2", []
    while url:
        page = client.get(url).json()
        found += [row["id"] for row in page["results"]]
        url = page["next"]
    assert sorted(found) == sorted(made)


def test_unread_is_told_and_found_until_who_follows_it_up_has_read_it(side, case):
    Case.objects.filter(pk=case.pk).update(is_unread=False)
    sign(side, case)
    colleague, own = api(side.own.administrator), api(side.own.clinician)
    unread = f"{ROOT}/submissions/?unread=true"
    assert [row["is_unread"] for row in colleague.get(unread).json()["results"]] == [True]
    colleague.get(f"{ROOT}/submissions/{case.pk}/")
    assert len(colleague.get(unread).json()["results"]) == 1
    own.get(f"{ROOT}/submissions/{case.pk}/")
    assert colleague.get(unread).json()["results"] == []


def test_what_the_reader_is_to_find_alone_is_withheld_at_every_door(side, case):
    side.own.clinic.hide_result_until_read = True
    side.own.clinic.save()
    reader = api(side.own.dermatologist)
    lesion = case.lesion
    for page in (f"submissions/{case.pk}", f"lesions/{lesion.pk}", f"patients/{lesion.patient_id}"):
        standing = reader.get(f"{ROOT}/{page}/").json()["standing"]
        assert (standing["value"], standing["basis"], standing["at"]) == (None, None, None), page
        assert standing["label"] == "Read first"
    for kind in ("submissions", "lesions", "patients"):
        for params in ({"standing": "benign"}, {"standing_basis": "model"}):
            assert reader.get(f"{ROOT}/{kind}/", params).json()["results"] == []
    worse = answered_submission(side.own, "malignant")
    rows = reader.get(f"{ROOT}/submissions/", {"ordering": "risk"}).json()["results"]
    # Neither goes before the other for what the model said.
    assert [row["id"] for row in rows] == [str(case.pk), str(worse.pk)]
    report = reader.get(f"/fhir/r4/DiagnosticReport/{case.pk}").json()
    assert "conclusionCode" not in report
    assert "Benign" not in read(side.own.dermatologist, case)
    sign(side, case)
    assert reader.get(f"{ROOT}/submissions/{case.pk}/").json()["standing"]["value"] == "malignant"


@pytest.mark.parametrize("answer", ["malignant", "refer", "benign"])
def test_a_case_in_work_above_an_unread_one_does_not_give_it_away_either(side, answer):
    side.own.clinic.hide_result_until_read = True
    side.own.clinic.save()
    unread = answered_submission(side.own, answer)
    PredictionFactory(submission=SubmissionFactory(lesion=unread.lesion))
    reader, lesion = api(side.own.dermatologist), unread.lesion
    told = [
        reader.get(f"{ROOT}/{page}/").json()
        for page in (f"lesions/{lesion.pk}", f"patients/{lesion.patient_id}")
    ]
    told += [reader.get(f"{ROOT}/{kind}/").json()["results"][0] for kind in ("lesions", "patients")]
    told.append(
        reader.get(f"{ROOT}/lesions/{lesion.pk}/", {"expand": "patient"}).json()["expanded"]["patient"]
    )
    for row in told:
        assert (row["standing"]["value"], row["standing"]["label"]) == (None, "Read first")
    for kind in ("lesions", "patients"):
        for params in ({"standing": "in_work"}, {"standing_basis": "state"}):
            assert reader.get(f"{ROOT}/{kind}/", params).json()["results"] == []
    # Where nothing is to be read first, work is told as what it is.
    other = SubmissionFactory(clinic=side.own.clinic, submitted_by=side.own.clinician)
    PredictionFactory(submission=other)
    found = reader.get(f"{ROOT}/lesions/", {"standing": "in_work"}).json()["results"]
    assert [row["id"] for row in found] == [str(other.lesion_id)]


@pytest.mark.parametrize(
    ("make", "standing", "is_judged"),
    [
        (lambda case: PredictionFactory(submission=case, state="succeeded", outcome="refer"), "refer", True),
        (lambda case: PredictionFactory(submission=case, refused=True), "not_judged", False),
    ],
)
def test_too_close_to_call_and_not_judged_are_told_apart(side, make, standing, is_judged):
    case = SubmissionFactory(clinic=side.own.clinic, submitted_by=side.own.clinician)
    make(case)
    told = api(side.own.clinician).get(f"{ROOT}/submissions/{case.pk}/").json()
    (prediction,) = told["images"][0]["predictions"]
    # The stored word stays as integrators know it.
    assert (prediction["outcome"], prediction["is_judged"]) == ("refer", is_judged)
    assert told["standing"]["value"] == standing
    codes = [one["coding"][0]["code"] for one in read_fhir(side, case)["conclusionCode"]]
    assert codes == ["refer", standing]
    assert read_export(side)["standing"] == standing


def test_a_case_without_a_picture_for_the_model_waits_for_a_reader(side):
    case = SubmissionFactory(clinic=side.own.clinic, submitted_by=side.own.clinician)
    SubmissionImageFactory(submission=case, capture_kind="overview")
    SubmissionImageFactory(submission=case, capture_kind="clinical")
    client = api(side.own.clinician)
    status = client.get(f"{ROOT}/submissions/{case.pk}/status/").json()
    assert (status["state"], status["is_finished"]) == ("awaiting_review", True)
    assert (status["images"], status["images_finished"]) == (2, 2)
    standing = client.get(f"{ROOT}/submissions/{case.pk}/").json()["standing"]
    assert (standing["value"], standing["basis"], standing["label"]) == (
        "not_judged",
        "state",
        "For a reader",
    )
    assert read_fhir(side, case)["status"] == "registered"
    found = client.get("/fhir/r4/DiagnosticReport", {"status": "registered"}).json()
    assert found["total"] == 1
    assert client.get("/fhir/r4/DiagnosticReport", {"status": "preliminary"}).json()["total"] == 0


def test_a_lesion_and_a_patient_without_a_case_are_held_for_nothing(side):
    lesion = LesionFactory(clinic=side.own.clinic)
    client = api(side.own.clinician)
    for kind, path in (
        (LesionRecord, f"lesions/{lesion.pk}/"),
        (PatientRecord, f"patients/{lesion.patient_id}/"),
    ):
        row = read_record(kind, client.get(f"{ROOT}/{path}").json(), etag="")
        assert (row.standing.value, row.standing.label) == (None, "No case yet")


@pytest.mark.parametrize("outcome", ["malignant", "refer"])
@pytest.mark.parametrize("is_signed", [False, True])
def test_an_inconclusive_finding_is_told_beside_what_holds(side, outcome, is_signed):
    case = make_case(side.own)
    judge(case, outcome)
    today = timezone.localdate()
    OutcomeFactory(lesion=case.lesion, diagnosis="inconclusive", specimen_taken_on=today, reported_on=today)
    if is_signed:
        sign(side, case)
    case.refresh_from_db()
    assert case.standing_basis == ("review" if is_signed else "model")
    said = "Pathologist: inconclusive"
    assert said in get(open_as(side.own.clinician), "submission-detail", case.pk)
    assert said in read(side.own.clinician, case)
    assert said in read_fhir(side, case)["conclusion"]
    side.own.clinic.hide_result_until_read = True
    side.own.clinic.save()
    words = (
        api(side.own.dermatologist).get(f"/fhir/r4/DiagnosticReport/{case.pk}").json().get("conclusion", "")
    )
    assert (said in words) == is_signed, "beside which answer it stands would tell"


def test_a_withdrawal_is_told_with_its_reason_at_every_door(side, case):
    cancel_submission(actor=side.own.clinician, submission=case, reason="Sent for another lesion.")
    by = side.own.clinician.get_full_name()
    said = f"Withdrawn by {by}, {describe_day(timezone.now())}: Sent for another lesion."
    page = get(open_as(side.own.clinician), "submission-detail", case.pk)
    reading = get(open_as(side.own.dermatologist), "submission-review", case.pk)
    report = read_fhir(side, case)["conclusion"]
    for told in (page, reading, read(side.own.clinician, case), report):
        assert said in told
    assert "Withdrawn: Sent for another lesion." in page  # the timeline
    record, _ = read_by_client(side, case)
    archive, _ = read_archive(side, case)
    (archived,) = archive["submissions"]
    assert record.withdrawal_reason == archived["withdrawal_reason"] == "Sent for another lesion."
