"""Every text that a sender may write of a case: taken in by every door, and shown by every one."""

from __future__ import annotations

import dataclasses
import inspect
import json

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from classifier.api.serializers.intake import NewSubmissionSerializer
from classifier.client.records import SubmissionRecord
from classifier.client.resources.submissions import Submissions
from classifier.intake.submission import Question
from classifier.labels.text import list_given_texts, list_texts
from classifier.models import Submission
from classifier.models.submission import QUESTION_TEXTS
from classifier.pages.forms.submission import SubmissionForm
from classifier.privacy.archive_facts import CASE_COLUMNS, describe_cases, describe_patient
from classifier.report.content import build_clinical
from tests.factories import answered_submission, two_clinics

NAMES = set(QUESTION_TEXTS)


def fields_of(kind) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_every_door_takes_them_in():
    taken = {
        "service": fields_of(Question),
        "page": set(SubmissionForm.base_fields),
        "REST": set(NewSubmissionSerializer().fields),
        "client": set(inspect.signature(Submissions.create).parameters),
        "client's record": fields_of(SubmissionRecord),
    }
    assert {door: NAMES - names for door, names in taken.items() if NAMES - names} == {}


@pytest.mark.django_db
def test_every_door_shows_them(stores):
    side = two_clinics()
    given = {name: f"words of {name}" for name in QUESTION_TEXTS}
    case = answered_submission(side.own, **given)
    people = {role: APIClient() for role in ("clinician", "dermatologist")}
    for role, client in people.items():
        client.force_login(getattr(side.own, role))

    def get(role, name):
        return people[role].get(reverse(name, args=[case.pk])).content.decode()

    row = Submission.objects.get(pk=case.pk)
    shown = {
        "page of the case": get("clinician", "submission-detail"),
        "page to read it": get("dermatologist", "submission-review"),
        "REST": get("clinician", "api-submission"),
        "FHIR": people["clinician"].get(f"/fhir/r4/ServiceRequest/{case.pk}").content.decode(),
        "PDF": str(build_clinical(row, has_findings=False)),
        "archive": json.dumps(describe_patient(row.lesion.patient, [row])),
        "archive's table": str(dict(zip(CASE_COLUMNS, *describe_cases([row]), strict=True))),
    }
    missing = [(door, name) for door, text in shown.items() for name in given if given[name] not in text]
    assert missing == []


def test_a_text_that_nobody_wrote_is_said_to_be_none():
    case = Submission(clinical_question=" ", clinical_history="Grew.")
    assert list_texts(case)[:2] == [("Question", "None asked"), ("History", "Grew.")]
    assert list_given_texts(case) == [("History", "Grew.")]
