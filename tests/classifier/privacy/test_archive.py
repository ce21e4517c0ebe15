"""All of one patient in one file, and nothing of anybody else."""

import csv
import io
import json
import zipfile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from classifier.domain.csv_cells import format_moment
from classifier.privacy.archives import archive_patient
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    LesionFactory,
    OutcomeFactory,
    PredictionFactory,
    ReadingFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(side):
    case = SubmissionFactory(
        clinic=side.own.clinic, clinical_question="=HYPERLINK(1)", clinical_history="Noticed in May."
    )
    image = SubmissionImageFactory(
        submission=case, with_files=True, with_files__seed=4, original_name="../../spot.jpg"
    )
    PredictionFactory(image=image, state="succeeded", outcome="refer")
    ReadingFactory(submission=case, diagnosis="melanoma", reader=side.own.dermatologist)
    ReviewFactory(submission=case, comment="Regular.")
    OutcomeFactory(lesion=case.lesion, comment="Margins free.")
    SubmissionFactory(clinic=side.own.clinic, clinical_history="Somebody else")
    return case


@pytest.fixture
def archive(case, side, log_in):
    answer = log_in(side.own.administrator).post(reverse("patient-archive", args=[case.lesion.patient_id]))
    assert answer["Content-Type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(answer.getvalue()))


def test_facts(archive, case):
    facts = json.loads(archive.read("patient.json"))
    assert facts["mrn"] == case.lesion.patient.mrn
    assert facts["birth_date"] == "1970-05-17"
    (found,) = facts["submissions"]
    assert found["clinical_history"] == "Noticed in May."
    assert found["images"][0]["predictions"][0]["outcome"] == "refer"
    assert found["reviews"][0]["comment"] == "Regular."
    (reading,) = found["readings"]
    assert (reading["question"], reading["diagnosis"]) == (1, "melanoma")
    assert reading["read_by"] == case.readings.get().reader.get_full_name()
    assert facts["lesions"][0]["histopathology"][0]["comment"] == "Margins free."
    assert "Somebody else" not in json.dumps(facts)
    assert found["submitted_at"] == format_moment(case.submitted_at)
    assert found["submitted_at"].endswith("Z")
    assert "+00:00" not in json.dumps(facts)


def test_many_cases_cost_as_many_queries_as_one(case, side):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert b"".join(archive_patient(actor=side.own.administrator, patient=case.lesion.patient))
        return len(queries)

    count()  # The first one begins the chain of events, too.
    one = count()
    for lesion in (case.lesion, case.lesion, LesionFactory(patient=case.lesion.patient)):
        more = SubmissionFactory(lesion=lesion)
        PredictionFactory(submission=more, state="succeeded", outcome="benign")
        ReadingFactory(submission=more, diagnosis="naevus", reader=side.own.dermatologist)
        ReviewFactory(submission=more)
    assert count() == one


def test_table_holds_no_formula(archive):
    text = archive.read("cases.csv").decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["question"] == "'=HYPERLINK(1)"
    assert row["headline"] == "refer"


def test_images_as_they_were_sent_under_safe_names(archive, case):
    image = case.images.get()
    names = [name for name in archive.namelist() if name.startswith("images/")]
    assert names == [f"images/{image.pk}.jpg"]
    with image.original.open() as file:
        assert archive.read(names[0]) == file.read()
    assert archive.testzip() is None


def test_it_is_recorded(archive, case):
    event = AuditEvent.objects.get(action="patient.archived")
    assert event.object_id == str(case.lesion.patient_id)
    assert event.details == {"submissions": 1, "images": 1}


def test_image_that_is_gone_stops_nothing(case, side, log_in):
    image = case.images.get()
    image.original.storage.delete(image.original.name)
    answer = log_in(side.own.administrator).post(reverse("patient-archive", args=[case.lesion.patient_id]))
    assert zipfile.ZipFile(io.BytesIO(answer.getvalue())).namelist() == ["patient.json", "cases.csv"]
