"""Who gets which rows, in which order."""

import datetime as dt

import pytest
from django.utils import timezone

from classifier.domain.states import PredictionState
from classifier.engine.queue import claim_batch, position_in_queue, prediction_claims
from classifier.models import Prediction
from tests.factories import ModelVersionFactory, PredictionFactory, active_model, restated_together
from tests.support.threads import run_in_threads

LONG_AGO = timezone.now() - dt.timedelta(hours=1)


def claim(limit=32, worker="elsewhere/0/1/1.1", **options):
    return claim_batch(worker=worker, limit=limit, **options)


@pytest.mark.django_db
class TestOrder:
    def test_empty_queue(self):
        assert claim() == []

    def test_oldest_first_up_to_the_limit(self):
        with restated_together():
            rows = [PredictionFactory(queued_at=LONG_AGO + dt.timedelta(minutes=n)) for n in range(5)]
        assert claim(3) == rows[:3]
        assert claim(3) == rows[3:]

    def test_urgent_before_routine_before_shadow(self):
        shadow = PredictionFactory(
            is_shadow=True, model_version=ModelVersionFactory(shadow=True), queued_at=LONG_AGO
        )
        routine = PredictionFactory(queued_at=LONG_AGO)
        urgent = PredictionFactory(queue_rank=0)
        assert [position_in_queue(row) for row in (urgent, routine, shadow)] == [0, 1, 2]
        assert claim() == [urgent, routine]
        assert claim() == [shadow]

    def test_one_model_version_a_batch(self):
        first = PredictionFactory(queued_at=LONG_AGO)
        former = PredictionFactory(model_version=ModelVersionFactory())
        last = PredictionFactory(model_version=active_model())
        assert claim() == [first, last]
        assert claim() == [former]

    def test_position_counts_those_before(self):
        with restated_together():
            rows = [PredictionFactory(queued_at=LONG_AGO + dt.timedelta(minutes=n)) for n in range(4)]
        same_moment = [PredictionFactory(queued_at=LONG_AGO) for _ in range(3)]
        PredictionFactory(state="running", queued_at=LONG_AGO)
        positions = {position_in_queue(row) for row in (*same_moment, *rows)}
        assert positions == set(range(7))
        assert position_in_queue(rows[3]) == 6


@pytest.mark.django_db
class TestClaim:
    def test_what_a_claim_writes(self, settings, django_assert_max_num_queries):
        PredictionFactory.create_batch(20)
        with django_assert_max_num_queries(7):
            rows = claim(worker="me")
            assert all(row.image.clinic_id and row.model_version.policy for row in rows)
        assert len({row.claim for row in rows}) == 1
        for row in rows:
            assert (row.state, row.attempt, row.worker) == ("running", 1, "me")
            lease = (row.lease_until - row.started_at).total_seconds()
            assert lease == settings.DERMAPORT_LEASE_SECONDS

    def test_given_back_row_is_claimed_alone(self):
        """If its image is what kills workers, it takes no other case with it."""
        poison = PredictionFactory(queued_at=LONG_AGO)
        others = [PredictionFactory() for _ in range(3)]
        assert len(claim(4)) == 4
        prediction_claims.give_back(Prediction.objects.filter(pk=poison.pk), reason="died")
        PredictionFactory()
        assert claim() == [poison]
        assert len(claim()) == 1
        assert Prediction.objects.filter(pk__in=[row.pk for row in others], attempt=1).count() == 3

    def test_only_fresh_leaves_the_suspect(self):
        PredictionFactory(attempt=1, queued_at=LONG_AGO)
        PredictionFactory()
        assert claim(only_fresh=True) == []
        assert [row.attempt for row in claim()] == [2]
        assert [row.attempt for row in claim(only_fresh=True)] == [1]


@pytest.mark.django_db(transaction=True)
def test_two_claimers_never_share_a_row():
    PredictionFactory.create_batch(60, model_version=active_model())

    def take_all(number):
        mine = []
        while rows := claim(4, worker=f"elsewhere/0/1/{number}.1"):
            mine += [row.pk for row in rows]
        return mine

    taken = run_in_threads(6, take_all)
    assert [found for found in taken if isinstance(found, Exception)] == []
    everything = [pk for mine in taken for pk in mine]
    assert len(everything) == len(set(everything)) == 60
    assert not Prediction.objects.exclude(state=PredictionState.RUNNING, attempt=1).exists()
