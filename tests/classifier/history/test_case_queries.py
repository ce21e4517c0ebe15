"""The SQL of lists and the rule of the case's page must never disagree."""

import datetime as dt
import itertools

import pytest
from django.utils import timezone

from classifier.cases.worklist import in_worklist_order, waiting_for_review
from classifier.domain.states import PredictionState
from classifier.models import Submission
from classifier.standing.queries import with_headline
from classifier.standing.summary import summarise, summary_prefetches
from tests.factories import (
    ModelVersionFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    answered_submission,
    restate,
    restated_together,
    staff_clinic,
)

pytestmark = pytest.mark.django_db

ANSWERS = [
    ("succeeded", "benign"),
    ("succeeded", "malignant"),
    ("succeeded", "refer"),
    ("queued", ""),
    ("running", ""),
    ("rejected", ""),
    ("failed", ""),
]


@restated_together()
def make_case(clinic, *answers):
    case = SubmissionFactory(clinic=clinic)
    for state, outcome in answers:
        judged = {"outcome": outcome} if outcome else {}
        PredictionFactory(submission=case, state=state, **judged)
    return case


def list_headlines(*, hides_unread=False):
    rows = with_headline(Submission.objects.all(), hides_unread=hides_unread)
    return dict(rows.values_list("pk", "headline"))


def summarise_all(role=None):
    rows = Submission.objects.select_related("clinic").prefetch_related(*summary_prefetches())
    found = {row.pk: summarise(row, role=role).headline.value for row in rows}
    # A worker's claim moves no column of the case, so the columns know of no running.
    return {key: "queued" if headline == "running" else headline for key, headline in found.items()}


@pytest.mark.parametrize("hides", [False, True])
def test_sql_and_summary_agree_on_every_row(hides):
    clinic = staff_clinic(hide_result_until_read=hides).clinic
    SubmissionFactory(clinic=clinic)
    SubmissionImageFactory(submission=SubmissionFactory(clinic=clinic))
    with restated_together():
        for pair in itertools.combinations_with_replacement(ANSWERS, 2):
            make_case(clinic, *pair)
            ReviewFactory(submission=make_case(clinic, *pair))
    for answer in ANSWERS:
        case = make_case(clinic, answer)
        case.cancelled_at, case.cancelled_by = timezone.now(), case.submitted_by
        case.save()
        restate(case)

    role = "dermatologist" if hides else None

    assert list_headlines(hides_unread=hides) == summarise_all(role)
    assert len(set(list_headlines().values())) >= 8


def test_newest_answer_of_an_image_counts():
    staff = staff_clinic()
    case = make_case(staff.clinic, ("failed", ""))
    image = case.images.get()
    PredictionFactory(image=image, state="succeeded", outcome="malignant")

    assert list_headlines() == {case.pk: "malignant"} == summarise_all()


def test_shadow_answers_count_for_nothing():
    staff = staff_clinic()
    case = make_case(staff.clinic, ("succeeded", "benign"))
    PredictionFactory(
        image=case.images.get(),
        state=PredictionState.SUCCEEDED,
        outcome="malignant",
        is_shadow=True,
        model_version=ModelVersionFactory(shadow=True),
    )

    assert list_headlines() == {case.pk: "benign"}


def test_worklist_orders_by_priority_risk_and_waiting():
    staff = staff_clinic()
    now = timezone.now()

    def case(*answers, hours, **extra):
        made = make_case(staff.clinic, *answers)
        Submission.objects.filter(pk=made.pk).update(submitted_at=now - dt.timedelta(hours=hours), **extra)
        return made.pk

    benign_old = case(("succeeded", "benign"), hours=90)
    benign_urgent = case(("succeeded", "benign"), hours=1, priority="urgent")
    refer = case(("succeeded", "refer"), hours=2)
    failed = case(("failed", ""), hours=80)
    malignant_late = case(("succeeded", "malignant"), hours=3)
    malignant_early = case(("succeeded", "malignant"), hours=9)
    case(("queued", ""), hours=99)

    order = in_worklist_order(waiting_for_review(Submission.objects.all())).values_list("pk", flat=True)

    assert list(order) == [benign_urgent, malignant_early, malignant_late, refer, failed, benign_old]


def test_reviewed_cases_wait_no_more():
    staff = staff_clinic()
    ReviewFactory(submission=answered_submission(staff, "malignant"))

    assert not waiting_for_review(Submission.objects.all()).exists()
