"""Diagnoses of a network: every door says the same, withheld by the one rule that hides the answer."""

from __future__ import annotations

import csv
import io
import json
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from isic_metadata.diagnosis_hierarchical import DiagnosisEnum
from rest_framework.test import APIClient

from classifier.client.output import COLUMNS, cells
from classifier.client.reading import read_record
from classifier.client.records import SubmissionRecord
from classifier.domain.diagnoses import (
    LABELS,
    LABELS_VERSION,
    find_label,
    read_diagnoses,
)
from classifier.domain.errors import ConflictError
from classifier.exports.cases import export_submissions
from classifier.labels.diagnoses import BENIGN_FIRST, list_shown
from classifier.models import Prediction, Submission
from classifier.privacy.archive_facts import describe_patient
from classifier.report.case_reports import export_report
from tests.classifier.cases.looking import main_of, open_as
from tests.classifier.fhir.conftest import validate
from tests.classifier.report.papers import add_image, make_case, read_pages
from tests.factories import (
    SHARES,
    PredictionFactory,
    ReadingFactory,
    ReviewFactory,
    stored_diagnoses,
    two_clinics,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.trust.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def side(db, stores):
    side = two_clinics()
    side.own.clinic.hide_result_until_read = True
    side.own.clinic.save()
    return side


@pytest.fixture
def case(side):
    case = make_case(side.own)
    PredictionFactory(
        image=add_image(case), state="succeeded", outcome="malignant", diagnoses=stored_diagnoses(SHARES)
    )
    return case


# --- The doors: what each says it could be, most probable first; None where it says nothing -------
def api(person: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(person)
    return client


def read_page(name: str, find: Callable[[Submission], Any]) -> Callable[[User, Submission], list[str] | None]:
    def read(person: User, case: Submission) -> list[str] | None:
        page = main_of(open_as(person).get(reverse(name, args=[find(case)])).text)
        if "could-be-title" not in page:
            return None
        rows = page.split('class="could-be-name">')[1:]
        return [row.partition("<")[0].strip() for row in rows]

    return read


def read_rest(person: User, case: Submission) -> list[str] | None:
    body = api(person).get(f"/api/v1/submissions/{case.pk}/").json()
    record = read_record(SubmissionRecord, body)
    (image,) = record.images
    found = image.prediction.diagnoses
    row = dict(zip(COLUMNS, cells(record, image), strict=True))
    if found is None:
        assert row["model_diagnoses"] is row["model_diagnosis_stands_out"] is None
        return None
    assert row["model_diagnoses"].startswith("mel=0.6200 bcc=0.2000")
    assert {code.code for code in found.diagnoses[0].codes} >= {"C43", "2C30"}
    assert sum(one.probability for one in found.diagnoses if one.is_malignant) == pytest.approx(0.91)
    return [one.display for one in found.diagnoses]


def read_rest_prediction(person: User, case: Submission) -> list[str] | None:
    (answer,) = api(person).get("/api/v1/predictions/", {"state": "succeeded"}).json()["results"]
    return answer["diagnoses"] and [one["display"] for one in answer["diagnoses"]["diagnoses"]]


def read_observation(person: User, case: Submission) -> list[str] | None:
    key = Prediction.objects.get(image__submission=case).pk
    body = api(person).get(f"/fhir/r4/Observation/{key}").json()
    validate(body)
    ours = "urn:dermaport:code:model-diagnosis"
    found = [
        one
        for one in body.get("component", [])
        if any(code["system"] == ours for code in one["code"]["coding"])
    ]
    if not found:
        return None
    none, first, *_ = found
    assert none["valueBoolean"] is False
    assert {"system": "http://hl7.org/fhir/sid/icd-10", "code": "C43"}.items() <= first["code"]["coding"][
        2
    ].items()
    assert first["valueQuantity"]["value"] == 0.62
    return [one["code"]["text"] for one in found[1:]]


def read_csv(person: User, case: Submission) -> list[str] | None:
    role = "dermatologist" if person.memberships.filter(role="dermatologist").exists() else "clinician"
    rows = Submission.objects.all()
    made = export_submissions(actor=person, clinic=case.clinic, rows=rows, role=role, filters=[])
    (row,) = csv.DictReader(io.StringIO("".join(made.lines).lstrip("\ufeff")))
    if not row["model_diagnoses"]:
        assert row["model_diagnosis_stands_out"] == ""
        return None
    assert row["model_diagnosis_stands_out"] == "True"
    return [find_label(one.partition("=")[0]).name for one in row["model_diagnoses"].split()]


def read_pdf(person: User, case: Submission) -> list[str] | None:
    try:
        report = export_report(actor=person, submission_id=case.pk)
    except ConflictError:
        return None
    text = " ".join(read_pages(report.data))
    names = [find_label(key).name for key in SHARES]
    if "Could be" not in text:
        return None
    said = text.partition("Could be")[2]
    return sorted((name for name in names if f"{name}, " in said), key=said.index)


DOORS: dict[str, Callable[[User, Submission], list[str] | None]] = {
    "case page": read_page("submission-detail", lambda case: case.pk),
    "lesion page": read_page("lesion-detail", lambda case: case.lesion_id),
    "REST and its client": read_rest,
    "REST prediction": read_rest_prediction,
    "FHIR": read_observation,
    "CSV": read_csv,
    "PDF": read_pdf,
}
READING = {"reading page": read_page("submission-review", lambda case: case.pk)}
EVERY = [find_label(key).name for key in SHARES]
SHORT = {"case page", "lesion page", "reading page", "PDF"}


def test_every_door_withholds_the_diagnoses_until_the_case_is_signed(side, case):
    reader = side.own.dermatologist
    told = {name: read(reader, case) for name, read in {**DOORS, **READING}.items()}
    assert told == dict.fromkeys({**DOORS, **READING})

    ReadingFactory(submission=case, reader=reader)
    told = {name for name, read in {**DOORS, **READING}.items() if read(reader, case)}
    assert told == {*READING}

    ReviewFactory(submission=case, signed_by=reader)
    told = {name: read(reader, case) for name, read in {**DOORS, **READING}.items()}
    assert told == {name: EVERY[:3] if name in SHORT else EVERY for name in {**DOORS, **READING}}


def test_who_is_not_blinded_reads_the_same_at_every_door(side, case):
    told = {name: read(side.own.clinician, case) for name, read in DOORS.items()}
    assert told == {name: EVERY[:3] if name in SHORT else EVERY for name in DOORS}


def test_an_archive_holds_every_diagnosis(case):
    facts = json.loads(json.dumps(describe_patient(case.lesion.patient, [case])))
    (found,) = facts["submissions"][0]["images"][0]["predictions"]
    assert [one["display"] for one in found["diagnoses"]["diagnoses"]] == EVERY
    assert found["diagnoses"]["labels"] == LABELS_VERSION


def test_none_of_these_is_said_first_where_none_stands_out(side, stores):
    case = make_case(side.own)
    shares = {"nv": 0.35, "bkl": 0.2, "df": 0.15, "mel": 0.12, "bcc": 0.1, "vasc": 0.05, "akiec": 0.03}
    PredictionFactory(
        image=add_image(case),
        state="succeeded",
        outcome="refer",
        diagnoses=stored_diagnoses(shares, stands_out=False),
    )
    person = side.own.clinician
    page = unescape(main_of(open_as(person).get(reverse("submission-detail", args=[case.pk])).text))
    assert page.index("None of these stands out") < page.index("Melanocytic naevus")
    # The answer isn't benign: the third place is the most probable malignant one's, and why is said.
    assert read_page("submission-detail", lambda row: row.pk)(person, case) == [
        "Melanocytic naevus",
        "Seborrhoeic or other benign keratosis",
        "Melanoma",
    ]
    assert BENIGN_FIRST in page
    text = " ".join(read_pages(export_report(actor=person, submission_id=case.pk).data))
    assert "None of these stands out" in text


def test_a_network_of_one_figure_shows_nothing_new(side, stores):
    case = make_case(side.own)
    PredictionFactory(image=add_image(case), state="succeeded", outcome="malignant")
    person = side.own.clinician
    assert {name: read(person, case) for name, read in DOORS.items()} == dict.fromkeys(DOORS)


# --- Rules without a database -------------------------------------------------------------------
@pytest.mark.parametrize(
    ("outcome", "shares", "shown"),
    [
        ("benign", {"nv": 0.6, "bkl": 0.2, "df": 0.1, "mel": 0.1}, ["nv", "bkl", "df"]),
        ("malignant", {"nv": 0.6, "bkl": 0.2, "df": 0.1, "mel": 0.1}, ["nv", "bkl", "mel"]),
        ("refer", {"nv": 0.6, "mel": 0.2, "df": 0.15, "bcc": 0.05}, ["nv", "mel", "df"]),
        ("malignant", {"nv": 0.6, "mel": 0.4}, ["nv", "mel"]),
    ],
)
def test_three_are_shown_and_a_malignant_one_where_the_answer_is_not_benign(outcome, shares, shown):
    could_be = read_diagnoses(stored_diagnoses(shares))
    assert [one.key for one in could_be.choose_shown(outcome)] == shown


def test_labels_carry_codes_of_the_archive_and_a_class_without_a_label_its_own_name():
    for version, labels in LABELS.items():
        for label in labels.values():
            for code in (*label.codes, *label.members):
                assert code.display
                if code.system == "isic":
                    assert DiagnosisEnum(code.code), (version, label.key)
            systems = [code.system for code in label.codes]
            assert len(systems) == len(set(systems))
    # A code of one disease never stands for a group whose members differ in what they mean.
    assert find_label("akiec").codes == ()
    for name in ("MEL", "Melanoma", " mel "):
        assert find_label(name).key == "mel"
    assert find_label("basal cell carcinoma").key == find_label("BCC").key == "bcc"
    shown = list_shown(Prediction(outcome="benign", diagnoses=stored_diagnoses({"spot 7": 0.7, "nv": 0.3})))
    assert [row.name for row in shown.rows] == ["spot 7", "Melanocytic naevus"]
    assert list_shown(None) is None
    assert list_shown(Prediction(outcome="benign")) is None
