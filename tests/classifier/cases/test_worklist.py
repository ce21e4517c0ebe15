"""The worklist starves nobody: urgent first, then who waits too long, then risk."""

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from classifier.cases.reading_claims import claim_case
from classifier.cases.targets import working_days_before
from classifier.cases.worklist import (
    find_next,
    in_worklist_order,
    is_overdue,
    list_waiting,
    waits_too_long,
)
from classifier.models import Submission
from portal.trust.accounts.models import Clinic
from tests.factories import LesionFactory, MembershipFactory, answered_submission, staff_clinic

pytestmark = pytest.mark.django_db
# A Wednesday at noon.
NOW = dt.datetime(2026, 3, 11, 12, tzinfo=dt.UTC)
MANY = 10_000


@pytest.fixture(autouse=True)
def now(time_machine):
    time_machine.move_to(NOW, tick=False)
    return NOW


@pytest.fixture
def staff():
    return staff_clinic()


def make(staff, outcome="benign", *, days, **fields):
    case = answered_submission(staff, outcome, **fields)
    Submission.objects.filter(pk=case.pk).update(submitted_at=NOW - dt.timedelta(days=days))
    case.refresh_from_db()
    return case


def add_many(staff, count=MANY, **fields):
    """As many newer cases that the model called malignant, all waiting."""
    lesion = LesionFactory(patient__clinic=staff.clinic)
    columns = {
        "state": "awaiting_review",
        "model_answer": "malignant",
        "model_probability": 0.97,
        "standing": "malignant",
        "standing_basis": "model",
        "standing_rank": 1,
        "standing_at": NOW,
    }
    rows = [
        Submission(
            clinic=staff.clinic,
            lesion=lesion,
            submitted_by=staff.clinician,
            submitted_at=NOW - dt.timedelta(seconds=number),
            request_key=uuid.uuid4(),
            **columns | fields,
        )
        for number in range(count)
    ]
    Submission.objects.bulk_create(rows, batch_size=500)
    return rows


@pytest.mark.parametrize("newest_is", ["malignant", "urgent"])
def test_an_old_benign_case_is_reached_before_ten_thousand_newer_ones(
    client, staff, newest_is, django_assert_max_num_queries
):
    """By the list, by *Start reading* and by *next*, without a look at the ten thousand keys."""
    urgent = newest_is == "urgent"
    # Of what is urgent six weeks are the limit.
    old = make(staff, days=43 if urgent else 4)
    rows = add_many(staff, **({"priority": "urgent"} if urgent else {}))

    assert list_waiting(staff.dermatologist).first() == old
    with django_assert_max_num_queries(5):
        following, waiting = find_next(staff.dermatologist, rows[-1])
    assert following.pk in {row.pk for row in rows}
    assert waiting == MANY
    assert find_next(staff.dermatologist, Submission(pk=uuid.uuid4()))[0] == old
    client.force_login(staff.dermatologist)
    page = client.get("/worklist/")
    assert page.context["first"] == old
    assert page.context["cases"][0].submission == old


def test_within_the_target_the_ten_thousand_come_first(staff):
    fresh = make(staff, days=1)
    add_many(staff, count=30)
    assert list(list_waiting(staff.dermatologist))[-1] == fresh


def test_the_order(staff):
    urgent = make(staff, "benign", days=0.1, priority="urgent")
    urgent_malignant = make(staff, "malignant", days=0.1, priority="urgent")
    urgent_late = make(staff, "benign", days=5, priority="urgent")
    benign = make(staff, "benign", days=1.9)
    late = make(staff, "benign", days=3)
    later = make(staff, "refer", days=5)
    malignant = make(staff, "malignant", days=0.2)
    malignant_before = make(staff, "malignant", days=0.5)
    refer = make(staff, "refer", days=1)

    assert list(list_waiting(staff.dermatologist)) == [
        urgent_late,
        urgent_malignant,
        urgent,
        later,
        late,
        malignant_before,
        malignant,
        refer,
        benign,
    ]


def test_a_blinded_clinic_has_the_true_order():
    staff = staff_clinic(hide_result_until_read=True)
    benign, malignant = make(staff, "benign", days=1), make(staff, "malignant", days=0.5)
    assert list(list_waiting(staff.dermatologist)) == [malignant, benign]


def test_walking_on_visits_each_case_once_in_the_order_and_comes_round(staff):
    for days, outcome, priority in (
        (0.1, "malignant", "routine"),
        (0.1, "malignant", "routine"),
        (3, "benign", "routine"),
        (0.3, "benign", "urgent"),
        (5, "malignant", "routine"),
        (0.2, "refer", "routine"),
        (50, "benign", "routine"),
    ):
        make(staff, outcome, days=days, priority=priority)
    order = list(list_waiting(staff.dermatologist))

    walked, here = [], order[0]
    for _ in order:
        walked.append(here)
        here, waiting = find_next(staff.dermatologist, here)
        assert waiting == len(order) - 1

    assert walked == order
    assert here == order[0]


def test_the_target_is_the_clinics_own(staff):
    slow = staff_clinic(reading_target_days=5)
    MembershipFactory(user=staff.dermatologist, clinic=slow.clinic, role="dermatologist")
    patient, late = make(slow, days=3), make(staff, days=3)
    fresh = make(staff, "malignant", days=1)
    assert list(list_waiting(staff.dermatologist)) == [late, fresh, patient]
    assert [is_overdue(case) for case in (late, patient)] == [True, False]


@pytest.mark.parametrize(
    ("now", "days", "limit"),
    [
        # Wednesday noon, two days: Monday noon.
        ("2026-03-11 12:00", 2, "2026-03-09 12:00"),
        # Monday noon: the weekend doesn't count.
        ("2026-03-09 12:00", 1, "2026-03-06 12:00"),
        ("2026-03-09 12:00", 2, "2026-03-05 12:00"),
        # At the weekend time stands still.
        ("2026-03-08 18:00", 2, "2026-03-05 00:00"),
        ("2026-03-07 00:30", 1, "2026-03-06 00:00"),
        # What came on Saturday has waited a day at the end of Monday.
        ("2026-03-10 00:00", 1, "2026-03-09 00:00"),
        ("2026-03-11 12:00", 30, "2026-01-28 12:00"),
    ],
)
def test_working_days(now, days, limit):
    zone = timezone.get_current_timezone()
    local = lambda words: dt.datetime.strptime(words, "%Y-%m-%d %H:%M").replace(tzinfo=zone)  # noqa: E731
    assert working_days_before(local(now), days) == local(limit)


def test_sql_and_python_agree_on_what_waits_too_long(staff):
    quick = staff_clinic(reading_target_days=1)
    for owner in (staff, quick):
        for days in (0.5, 0.99, 1, 1.01, 1.99, 2, 2.01, 5):
            make(owner, days=days)
    late = Submission.objects.filter(
        waits_too_long(Clinic.objects.values_list("pk", "reading_target_days"), NOW)
    )
    every = Submission.objects.select_related("clinic")
    assert set(late) == {case for case in every if is_overdue(case)}
    assert 0 < late.count() < every.count()


def test_next_passes_over_what_others_read(client, staff):
    first, second, third = (make(staff, "malignant", days=days) for days in (0.3, 0.2, 0.1))
    other = MembershipFactory(clinic=staff.clinic, role="dermatologist").user
    claim_case(actor=other, submission=second)

    assert find_next(staff.dermatologist, first) == (third, 2)
    assert find_next(other, first) == (second, 2)
    claim_case(actor=other, submission=first)
    client.force_login(staff.dermatologist)
    assert client.get("/worklist/").context["first"] == third


def test_the_page_says_the_rule_and_what_waits_too_long(client, staff):
    make(staff, days=4)
    client.force_login(staff.dermatologist)
    page = client.get("/worklist/").content.decode()
    assert (
        "urgent first; then what has waited longer than 2 working days, the longest first; then by risk"
        in page
    )
    assert "Waits too long" in page


def test_order_without_targets_reads_them(staff):
    late, fresh = make(staff, days=4), make(staff, "malignant", days=0.1)
    assert list(in_worklist_order(Submission.objects.all())) == [late, fresh]
