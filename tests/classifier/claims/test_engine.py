"""The claim engine, driven through the door of each kind of work that uses it."""

import datetime as dt
import os
import subprocess
import sys

import pytest
from django.conf import settings as site
from django.db import connection
from django.utils import timezone

from classifier.claims.engine import OutageError, Returned
from classifier.claims.identity import worker_id
from tests.classifier.claims.kinds import KINDS
from tests.support.threads import run_in_threads

ELSEWHERE = "elsewhere/0/1/1.1"
AGO = timezone.now() - dt.timedelta(seconds=1)


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def expire(row):
    type(row).objects.filter(pk=row.pk).update(lease_until=AGO)


def state_of(row):
    row.refresh_from_db()
    return (row.state, row.attempt, row.claim is None, row.worker, row.lease_until is None)


def waits(kind, attempt):
    return (kind.claims.waiting, attempt, True, "", True)


@pytest.mark.django_db(transaction=True)
def test_claimed_once_by_two_at_once(kind):
    rows = [kind.make() for _ in range(6)]

    def take_all(number):
        mine = []
        while row := kind.take(f"elsewhere/0/1/{number}.1"):
            mine.append(row.pk)
        return mine

    taken = [pk for mine in run_in_threads(2, take_all) for pk in mine]
    assert sorted(taken) == sorted(row.pk for row in rows)


@pytest.mark.django_db
class TestOneTry:
    def test_claim_names_who_and_until_when(self, kind, settings):
        row = kind.make()
        claimed = kind.take(ELSEWHERE)
        row.refresh_from_db()
        assert (row.state, row.attempt, row.worker) == (kind.claims.held, 1, ELSEWHERE)
        assert row.claim == claimed.claim
        lease = (row.lease_until - getattr(row, kind.claims.began)).total_seconds()
        assert lease == settings.DERMAPORT_LEASE_SECONDS
        assert kind.take("another") is None

    def test_answered_once(self, kind):
        row = kind.make()
        claimed = kind.take(ELSEWHERE)
        assert [kind.answer(claimed), kind.answer(claimed)] == [1, 0]
        row.refresh_from_db()
        assert (row.state, row.lease_until) == (kind.answered, None)
        assert row.finished_at is not None

    def test_late_answer_is_refused(self, kind):
        """The lease ran out and somebody else has the row: the first answer is nobody's."""
        row = kind.make()
        late = kind.take(ELSEWHERE)
        expire(row)
        assert kind.claims.reconcile() == Returned(1, 0)
        assert kind.answer(late) == 0
        assert state_of(row) == waits(kind, 1)
        again = kind.take("another")
        assert kind.answer(late) == 0
        assert kind.answer(again) == 1
        row.refresh_from_db()
        assert (row.state, row.attempt) == (kind.answered, 2)

    def test_rows_of_two_claims_are_not_finished_as_one(self, kind):
        kind.make()
        kind.make()
        with pytest.raises(ValueError, match="one claim"):
            kind.claims.finish([kind.take("a"), kind.take("b")], target=kind.claims.failed)


@pytest.mark.django_db
class TestHeartbeat:
    def test_renewed_lease_is_left_alone(self, kind):
        row = kind.make()
        claimed = kind.take(ELSEWHERE)
        expire(row)
        assert kind.claims.renew([claimed]) == 1
        assert kind.claims.reconcile() == Returned(0, 0)
        assert kind.answer(claimed) == 1

    def test_lost_claim_is_not_renewed(self, kind):
        row = kind.make()
        late = kind.take(ELSEWHERE)
        expire(row)
        kind.claims.reconcile()
        again = kind.take("another")
        assert kind.claims.renew([late]) == 0
        row.refresh_from_db()
        assert (row.claim, row.lease_until) == (again.claim, again.lease_until)


@pytest.mark.django_db
class TestStopping:
    @pytest.mark.parametrize(
        ("error", "attempt"), [(SystemExit(), 1), (ValueError("a bug"), 1), (OutageError("the store"), 0)]
    )
    def test_given_back_on_stop(self, kind, error, attempt):
        row = kind.make()

        def stop():
            with kind.claims.hold():
                kind.take(worker_id())
                raise error

        with pytest.raises(type(error)):
            stop()
        assert state_of(row) == waits(kind, attempt)

    def test_what_was_left_behind_is_given_back_first(self, kind):
        row, other = kind.make(), kind.make()
        mine = kind.take(worker_id())
        theirs = kind.take(ELSEWHERE)
        with kind.claims.hold():
            assert state_of({row.pk: row, other.pk: other}[mine.pk]) == waits(kind, 1)
        theirs.refresh_from_db()
        assert theirs.state == kind.claims.held


@pytest.mark.django_db
class TestReconciling:
    def test_puts_back_and_wakes(self, kind, wake_ups):
        row = kind.make()
        kind.take(ELSEWHERE)
        expire(row)
        assert kind.claims.reconcile() == Returned(1, 0)
        assert state_of(row) == waits(kind, 1)
        assert wake_ups == [kind.claims.task]

    def test_fails_after_the_last_try(self, kind, wake_ups):
        row = kind.make(**kind.last_try)
        late = kind.take(ELSEWHERE)
        expire(row)
        assert kind.claims.reconcile() == Returned(0, 1)
        row.refresh_from_db()
        assert row.state == kind.claims.failed
        assert row.error_code
        assert row.finished_at is not None
        assert kind.answer(late) == 0
        assert kind.claims.reconcile() == Returned(0, 0)
        assert wake_ups == []


HOLDER = """
import os, sys, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = os.environ["TEST_NAME"]
settings.SECRET_KEY = os.environ["TEST_KEY"]
django.setup()
from classifier.claims.identity import worker_id
from tests.classifier.claims.kinds import KINDS
KINDS[sys.argv[1]].take(worker_id())
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", KINDS)
def test_killed_in_the_middle(name):
    """A worker is killed with a row in its hands: the reconciler sees at once that it is dead."""
    kind = KINDS[name]
    row = kind.make()
    environment = {
        **os.environ,
        "TEST_NAME": str(connection.settings_dict["NAME"]),
        "TEST_KEY": site.SECRET_KEY,
    }
    command = [sys.executable, "-c", HOLDER, name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, **pipes) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert kind.claims.reconcile() == Returned(0, 0)
        holder.kill()
    assert kind.claims.reconcile() == Returned(1, 0)
    assert state_of(row) == waits(kind, 1)
    assert kind.answer(kind.take(ELSEWHERE)) == 1
