"""States move by one table, and of two movers one wins."""

import itertools

import pytest
from django.db.models import F

from classifier.domain.states import FINISHED, LEGAL_MOVES, IllegalMoveError, PredictionState, transition
from classifier.models import Prediction
from tests.factories import PredictionFactory

MOVES = list(itertools.product(PredictionState, PredictionState))
ILLEGAL = [(a, b) for a, b in MOVES if b not in LEGAL_MOVES[a]]


@pytest.mark.parametrize(("source", "target"), ILLEGAL)
def test_illegal_moves_are_our_bug(source, target):
    with pytest.raises(IllegalMoveError, match=f"{source} -> {target}"):
        transition(Prediction.objects.all(), source=source, target=target)


def test_finished_is_the_end():
    assert set(LEGAL_MOVES) == set(PredictionState)
    assert {state for state, moves in LEGAL_MOVES.items() if not moves} == FINISHED


@pytest.mark.django_db
@pytest.mark.parametrize("state", list(PredictionState))
def test_only_rows_in_the_source_state_move(state):
    row = PredictionFactory(state=state)
    moved = transition(
        Prediction.objects.all(),
        source=PredictionState.RUNNING,
        target=PredictionState.QUEUED,
        claim=None,
        lease_until=None,
        attempt=F("attempt"),
    )
    assert moved == (state == PredictionState.RUNNING)
    row.refresh_from_db()
    assert row.state == (PredictionState.QUEUED if moved else state)


@pytest.mark.django_db
def test_second_of_two_equal_moves_is_told_no():
    rows = Prediction.objects.filter(pk=PredictionFactory(state="running").pk)
    back = {"source": PredictionState.RUNNING, "target": PredictionState.QUEUED, "lease_until": None}
    assert transition(rows, **back) == 1
    assert transition(rows, **back) == 0


@pytest.mark.django_db
def test_joined_rows_are_refused():
    row = PredictionFactory()
    joined = Prediction.objects.filter(image__submission=row.image.submission)
    with pytest.raises(TypeError, match="join"):
        transition(joined, source=PredictionState.QUEUED, target=PredictionState.FAILED)
