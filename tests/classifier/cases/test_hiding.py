"""Blinding: every door says the same of a case in every state, and SQL says what Python says."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from classifier.api.queries import select_predictions, select_submissions
from classifier.domain.errors import ConflictError
from classifier.exports.cases import export_submissions
from classifier.models import Submission, WebhookDelivery
from classifier.outbox import announce_predictions
from classifier.report.case_reports import export_report
from classifier.standing.hiding import (
    HIDES_ANSWER,
    HIDES_STANDING,
    IS_READ_FIRST,
    hides_answer,
    hides_standing,
    is_read_first,
)
from classifier.standing.summary import summarise, summary_prefetches
from classifier.webhooks.delivery import write_request
from portal.trust.audit.services import record_event
from tests.classifier.cases.looking import main_of, open_as, rows_of
from tests.classifier.report.papers import add_image, judge, make_case, read_pages
from tests.factories import (
    PredictionFactory,
    ReadingFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    restate,
    restated_together,
    two_clinics,
)
from tests.support.webhooks import WebhookEndpointFactory

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.trust.accounts.models import User

pytestmark = pytest.mark.django_db
FIGURE = "Of 100 lesions like this"


@pytest.fixture
def side(db, stores):
    side = two_clinics()
    side.own.clinic.hide_result_until_read = True
    side.own.clinic.save()
    return side


# --- The states ---------------------------------------------------------------------------------
def withdraw(case: Submission) -> None:
    case.cancelled_at, case.cancelled_by = timezone.now(), case.submitted_by
    case.save()
    restate(case)


STATES: dict[str, Callable[[Any, Submission], object]] = {
    "in work": lambda _, case: PredictionFactory(image=add_image(case, seed=2)),
    "waits": lambda *_: None,
    "read by another": lambda side, case: ReadingFactory(submission=case, reader=side.other.dermatologist),
    "read": lambda side, case: ReadingFactory(submission=case, reader=side.own.dermatologist),
    "withdrawn": lambda _, case: withdraw(case),
    "signed": lambda side, case: ReviewFactory(submission=case, signed_by=side.own.dermatologist),
}


# --- The doors: whether each tells `person` the model's "malignant" or its figure ----------------
def api(person: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(person)
    return client


def tells_page(name: str) -> Callable[[User, Submission], bool]:
    return lambda person, case: FIGURE in main_of(open_as(person).get(reverse(name, args=[case.pk])).text)


def tells_list(person: User, _: Submission) -> bool:
    return "alignant" in rows_of(open_as(person).get(reverse("submission-list")).text)


def tells_explanation(person: User, case: Submission) -> bool:
    prediction = case.images.order_by("position").first().predictions.get()
    answer = open_as(person).get(reverse("prediction-explanation", args=[prediction.pk]))
    assert answer.status_code in (200, 403)
    return answer.status_code == 200


def tells_rest(person: User, case: Submission) -> bool:
    body = api(person).get(f"/api/v1/submissions/{case.pk}/").json()
    (answer,) = body["images"][0]["predictions"]
    said = [answer["outcome"], answer["probability"], answer["threshold_policy"]]
    assert body["is_withheld"] == (said == [None] * 3)
    return not body["is_withheld"]


def tells_rest_prediction(person: User, case: Submission) -> bool:
    (answer, *_) = api(person).get("/api/v1/predictions/", {"state": "succeeded"}).json()["results"]
    found = api(person).get("/api/v1/predictions/", {"outcome": "malignant"}).json()["results"]
    assert bool(found) == (answer["outcome"] == "malignant")
    return bool(found)


def tells_rest_filter(person: User, _: Submission) -> bool:
    return bool(api(person).get("/api/v1/submissions/", {"outcome": "malignant"}).json()["results"])


def tells_fhir_report(person: User, case: Submission) -> bool:
    report = api(person).get(f"/fhir/r4/DiagnosticReport/{case.pk}").json()
    return "alignant" in json.dumps([report.get("conclusion"), report.get("conclusionCode")])


def tells_fhir_observation(person: User, case: Submission) -> bool:
    prediction = case.images.order_by("position").first().predictions.get()
    body = api(person).get(f"/fhir/r4/Observation/{prediction.pk}").json()
    return "valueQuantity" in body or "interpretation" in body or "component" in body


def tells_csv(person: User, case: Submission) -> bool:
    role = "dermatologist" if person == case.blinded else "clinician"  # type: ignore[attr-defined] # set below
    rows = Submission.objects.all()
    made = export_submissions(actor=person, clinic=case.clinic, rows=rows, role=role, filters=[])
    (row,) = csv.DictReader(io.StringIO("".join(made.lines).lstrip("\ufeff")))
    return bool(row["outcome"] or row["calibrated_probability"] or row["threshold"])


def tells_pdf(person: User, case: Submission) -> bool:
    try:
        report = export_report(actor=person, submission_id=case.pk)
    except ConflictError:
        return False
    return FIGURE in " ".join(read_pages(report.data)).replace("\xa0", " ")


DOORS: dict[str, Callable[[User, Submission], bool]] = {
    "page": tells_page("submission-detail"),
    "list": tells_list,
    "REST": tells_rest,
    "REST prediction": tells_rest_prediction,
    "REST filter": tells_rest_filter,
    "FHIR report": tells_fhir_report,
    "FHIR observation": tells_fhir_observation,
    "CSV": tells_csv,
    "PDF": tells_pdf,
}
READING: dict[str, Callable[[User, Submission], bool]] = {
    "reading page": tells_page("submission-review"),
    "explanation": tells_explanation,
}


@pytest.mark.parametrize("state", STATES)
def test_every_door_hides_the_answer_until_the_case_is_signed(side, state):
    case = make_case(side.own)
    judge(case, "malignant")
    STATES[state](side, case)
    reader = side.own.dermatologist
    case.blinded = reader

    told = {name for name, tells in {**DOORS, **READING}.items() if tells(reader, case)}

    assert told == {"signed": {*DOORS, *READING}, "read": {*READING}}.get(state, set())


def test_who_is_not_blinded_reads_it_at_every_door(side):
    case = make_case(side.own)
    judge(case, "malignant")
    case.blinded = side.own.dermatologist
    doors = {**DOORS, "explanation": tells_explanation}
    told = {name for name, tells in doors.items() if tells(side.own.clinician, case)}
    assert told == set(doors)


@pytest.mark.parametrize("state", STATES)
def test_a_refusal_is_an_answer_too(side, state):
    """A gate's refusal is hidden as a figure is: in the timeline, in REST and in the payload of a webhook."""
    WebhookEndpointFactory(clinic=side.own.clinic, events=["prediction.succeeded", "prediction.refused"])
    side.own.clinic.hide_result_until_read = False
    side.own.clinic.save()
    case = make_case(side.own)
    refused = PredictionFactory(image=add_image(case, refused=True), refused=True)
    with transaction.atomic():
        announce_predictions([refused.pk])
        record_event(clinic_id=case.clinic_id, action="prediction.refused", obj=refused)
    side.own.clinic.hide_result_until_read = True
    side.own.clinic.save()
    STATES[state](side, case)

    request = write_request(WebhookDelivery.objects.select_related("event__clinic", "endpoint").get())
    rest = api(side.own.dermatologist).get(f"/api/v1/submissions/{case.pk}/").json()
    page = main_of(open_as(side.own.dermatologist).get(reverse("submission-detail", args=[case.pk])).text)

    is_signed = state == "signed"
    assert (json.loads(request.body)["type"] == "prediction.refused") == is_signed
    assert (rest["images"][0]["gate"] is not None) == is_signed
    # A withdrawn case gives no result, and so no reason, to anybody.
    assert ("Too blurred to judge" in page) == is_signed
    assert ("refused before the model saw it" in page) == is_signed


# --- Both languages -----------------------------------------------------------------------------
@dataclass(frozen=True)
class Rule:
    python: Callable[[Submission, str], bool]
    sql: Any


@pytest.mark.parametrize(
    "rule",
    [
        Rule(hides_answer, HIDES_ANSWER),
        Rule(is_read_first, IS_READ_FIRST),
        Rule(hides_standing, HIDES_STANDING),
    ],
    ids=lambda rule: rule.python.__name__,
)
def test_sql_and_python_agree_on_every_row(side, rule):
    make_every_case(side)
    rows = Submission.objects.select_related("clinic").prefetch_related(*summary_prefetches())
    found = set(rows.filter(rule.sql).values_list("pk", flat=True))
    assert found == {row.pk for row in rows if rule.python(row, "dermatologist")}
    assert 0 < len(found) < rows.count()
    assert not any(rule.python(row, "clinician") for row in rows)


def test_summary_and_rest_agree_with_the_rule_on_every_row(side):
    make_every_case(side)
    person = side.own.dermatologist
    rows = list(Submission.objects.select_related("clinic").prefetch_related(*summary_prefetches()))
    hidden = {row.pk for row in rows if hides_answer(row, "dermatologist")}
    first = {row.pk for row in rows if is_read_first(row, "dermatologist")}
    standing = {row.pk for row in rows if hides_standing(row, "dermatologist")}
    every = select_submissions(person)
    predictions = select_predictions(person).filter(is_withheld=True)
    judged = {row.pk for row in rows if any(image.predictions.all() for image in row.images.all())}

    assert {row.pk for row in rows if summarise(row, role="dermatologist").is_hidden} == first
    assert set(every.filter(is_withheld=True).values_list("pk", flat=True)) == hidden
    assert set(every.filter(is_standing_withheld=True).values_list("pk", flat=True)) == standing
    assert set(predictions.values_list("image__submission", flat=True)) == hidden & judged
    assert not select_submissions(side.own.clinician).filter(is_withheld=True).exists()


@restated_together()
def make_every_case(side: Any) -> None:
    for change in (*STATES.values(), lambda *_: None):
        for answer in ("benign", "malignant"):
            case = SubmissionFactory(clinic=side.own.clinic)
            PredictionFactory(submission=case, state="succeeded", outcome=answer)
            change(side, case)
        change(
            side,
            PredictionFactory(
                refused=True, submission=SubmissionFactory(clinic=side.own.clinic)
            ).image.submission,
        )
    PredictionFactory(submission=SubmissionFactory(clinic=side.own.clinic), state="failed")
    # What the model is not asked about has no answer to hide.
    SubmissionImageFactory(
        submission=(case := SubmissionFactory(clinic=side.own.clinic)), capture_kind="overview"
    )
    restate(case)
