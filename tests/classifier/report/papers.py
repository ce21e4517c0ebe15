"""Cases to report on, and what can be read on the paper."""

from __future__ import annotations

from io import BytesIO

from django.core.files.base import ContentFile
from pypdf import PdfReader

from classifier.report.case_reports import export_report
from tests.factories import (
    LesionFactory,
    PatientFactory,
    PredictionFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    draw_jpeg,
    refused_image,
)


def make_case(staff, *, mrn="MRN-QUACK", note="", **case):
    lesion = LesionFactory(patient=PatientFactory(clinic=staff.clinic, mrn=mrn), note=note)
    return SubmissionFactory(clinic=staff.clinic, lesion=lesion, submitted_by=staff.clinician, **case)


def add_image(case, *, refused=False, seed=1, **image):
    """A row whose picture is in the store."""
    row = refused_image(case, **image) if refused else SubmissionImageFactory(submission=case, **image)
    row.derivative.storage.save(row.derivative.name, ContentFile(draw_jpeg(seed)))
    return row


def judge(case, outcome="malignant", **image):
    return PredictionFactory(image=add_image(case, **image), state="succeeded", outcome=outcome)


def take(actor, case) -> bytes:
    return export_report(actor=actor, submission_id=case.pk).data


def read_pages(data: bytes) -> list[str]:
    """The text of each page, in one line."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(data)).pages]


def read(actor, case) -> str:
    return " ".join(read_pages(take(actor, case)))
