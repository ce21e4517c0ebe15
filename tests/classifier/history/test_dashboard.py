"""Figures of the own clinic: right, complete, and no more queries for more cases."""

import datetime as dt
import itertools

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from classifier.cases.statistics import measure_clinic
from classifier.templatetags.history import duration
from tests.factories import (
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    answered_submission,
    restated_together,
)

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)


def measure(clinics, days=90):
    return measure_clinic(clinics.own.clinic.pk, days=days)


def test_empty_clinic_has_no_figures_instead_of_zero(client, clinics):
    client.force_login(clinics.own.administrator)
    answered_submission(clinics.other)

    figures = measure(clinics)
    page = client.get("/dashboard/").content.decode()

    assert (figures.total, figures.waiting, figures.median_to_result) == (0, 0, None)
    assert "n/a" in page
    assert "No cases in this period" in page


def test_outcomes_count_every_case_once(clinics):
    answered_submission(clinics.own, "benign", "malignant")
    answered_submission(clinics.own, "refer")
    answered_submission(clinics.own, "benign")
    for state in ("rejected", "failed", "queued"):
        PredictionFactory(submission=SubmissionFactory(clinic=clinics.own.clinic), state=state)
    answered_submission(clinics.own, submitted_at=timezone.now() - dt.timedelta(days=100))

    figures = measure(clinics)

    counts = {standing.value: count for standing, count in figures.outcomes if count}
    assert counts == {"malignant": 1, "refer": 1, "benign": 1, "not_judged": 2, "in_work": 1}
    assert figures.total == 6
    assert measure(clinics, days=365).total == 7


def test_a_signed_case_counts_as_what_was_signed(clinics):
    ReviewFactory(submission=answered_submission(clinics.own, "benign"), diagnosis="melanoma")
    ReviewFactory(submission=answered_submission(clinics.own, "malignant"), diagnosis="indeterminate")
    counts = {standing.value: count for standing, count in measure(clinics).outcomes if count}
    assert counts == {"malignant": 1, "indeterminate": 1}


def test_unread_answers_are_counted_apart(client, clinics):
    type(clinics.own.clinic).objects.update(hide_result_until_read=True)
    answered_submission(clinics.own, "malignant")
    ReviewFactory(submission=answered_submission(clinics.own, "benign"), diagnosis="melanoma")
    client.force_login(clinics.own.dermatologist)
    page = client.get("/dashboard/").content.decode()
    assert "Malignant: 1 of 2" in page
    assert "Read first: 1 of 2" in page
    client.force_login(clinics.own.clinician)
    assert "Malignant: 2 of 2" in client.get("/dashboard/").content.decode()


def test_what_waits_is_of_all_time(clinics):
    long_ago = timezone.now() - dt.timedelta(days=400)
    answered_submission(clinics.own, submitted_at=long_ago)
    ReviewFactory(submission=answered_submission(clinics.own))

    figures = measure(clinics)

    assert (figures.waiting, figures.oldest_waiting) == (1, long_ago)


@pytest.mark.parametrize(("hours", "median"), [([1, 5, 2], 2), ([1, 2, 4, 9], 3), ([7], 7)])
def test_medians_of_odd_and_even_numbers(clinics, hours, median):
    now = timezone.now()
    with restated_together():
        for number in hours:
            case = SubmissionFactory(clinic=clinics.own.clinic, submitted_at=now - 20 * HOUR)
            PredictionFactory(submission=case, state="succeeded", finished_at=now - (20 - number) * HOUR)
            first = ReviewFactory(submission=case, signed_at=now - (20 - number * 2) * HOUR)
            ReviewFactory(amends=first, signed_at=now + 50 * HOUR)

    figures = measure(clinics)

    assert figures.median_to_result == median * HOUR
    assert figures.median_to_signature == 2 * median * HOUR


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_case_that_no_model_answered_has_no_time_to_result(client, clinics, is_signed):
    now = timezone.now()
    answered = SubmissionFactory(clinic=clinics.own.clinic, submitted_at=now - 20 * HOUR)
    PredictionFactory(submission=answered, state="succeeded", finished_at=now - 15 * HOUR)
    for _ in range(2):
        case = SubmissionFactory(clinic=clinics.own.clinic, submitted_by=clinics.own.clinician)
        SubmissionImageFactory(submission=case, capture_kind="clinical")
        if is_signed:
            ReviewFactory(submission=case, signed_by=clinics.own.dermatologist)
    assert measure(clinics).median_to_result == 5 * HOUR
    client.force_login(clinics.own.clinician)
    assert client.get("/dashboard/").status_code == 200


def test_agreement_needs_ten_cases_and_takes_the_version_in_force(client, clinics):
    with restated_together():
        for number in range(10):
            case = answered_submission(clinics.own, "malignant")
            first = ReviewFactory(submission=case, agreement="agrees")
            if number < 2:
                ReviewFactory(amends=first, agreement="disagrees")
    ReviewFactory(submission=answered_submission(clinics.own, "benign"), agreement="agrees")

    malignant, benign = measure(clinics).agreement
    client.force_login(clinics.own.clinician)
    page = client.get("/dashboard/").content.decode()

    assert (malignant.agrees, malignant.total, malignant.share) == (8, 10, 0.8)
    assert (benign.agrees, benign.total, benign.share) == (1, 1, None)
    assert "80 %" in page
    assert "not enough cases" in page


def test_weeks_have_no_holes(clinics):
    for days in (0, 30, 30):
        answered_submission(clinics.own, submitted_at=timezone.now() - dt.timedelta(days=days))

    weeks = measure(clinics).weeks

    assert len(weeks) in (13, 14)
    assert all(later.start - week.start == dt.timedelta(days=7) for week, later in itertools.pairwise(weeks))
    assert sum(week.count for week in weeks) == 3
    assert weeks[-1].count == 1


def test_queries_do_not_grow_with_cases(client, clinics):
    client.force_login(clinics.own.clinician)

    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get("/dashboard/?days=365")
        return len(queries)

    for _ in range(2):
        ReviewFactory(submission=answered_submission(clinics.own))
    count()
    few = count()
    with restated_together():
        for _ in range(20):
            ReviewFactory(submission=answered_submission(clinics.own))

    assert count() == few <= 20


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1.84, "1.8 s"), (45, "45 s"), (720, "12 min"), (19800, "5.5 h"), (129600, "1.5 d")],
)
def test_durations_read_short(seconds, words):
    assert duration(dt.timedelta(seconds=seconds)) == words
