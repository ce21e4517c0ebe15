"""What the doors for programs say of a case: REST, FHIR, the CSV export, a patient's archive, our own client."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

from rest_framework.test import APIClient

from classifier.client.output import write_submissions
from classifier.client.reading import read_record
from classifier.client.records import SubmissionRecord
from classifier.exports.cases import export_submissions
from classifier.models import Submission as Case
from classifier.privacy.archives import archive_patient
from portal.trust.accounts.models import User

ROOT = "/api/v1"


def api(user: User) -> APIClient:
    """A client logged in as `user`, by token."""
    client = APIClient()
    client.force_authenticate(user)
    return client


def read_fhir(side, case) -> dict[str, Any]:
    return api(side.own.clinician).get(f"/fhir/r4/DiagnosticReport/{case.pk}").json()


def read_export(side) -> dict[str, str]:
    made = export_submissions(
        actor=side.own.clinician,
        clinic=side.own.clinic,
        rows=Case.objects.all(),
        role="clinician",
        filters=[],
    )
    (row,) = csv.DictReader(io.StringIO("".join(made.lines).lstrip("\ufeff")))
    return row


def read_archive(side, case) -> tuple[dict[str, Any], dict[str, str]]:
    patient = type(case.lesion.patient).objects.get(pk=case.lesion.patient_id)
    parts = archive_patient(actor=side.own.administrator, patient=patient)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(parts)))
    (row,) = csv.DictReader(io.StringIO(archive.read("cases.csv").decode("utf-8-sig")))
    return json.loads(archive.read("patient.json")), row


def read_by_client(side, case) -> tuple[SubmissionRecord, dict[str, str]]:
    told = api(side.own.clinician).get(f"{ROOT}/submissions/{case.pk}/").json()
    record = read_record(SubmissionRecord, told, etag="")
    stream = io.StringIO()
    write_submissions(stream, [record], "csv")
    (row,) = csv.DictReader(io.StringIO(stream.getvalue().lstrip("\ufeff")))
    return record, row
