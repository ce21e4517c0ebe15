"""`with_state` and `.state` are one partition: on every combination they say the same."""

import itertools

import pytest
from django.utils import timezone

from classifier.domain.states import PredictionState, SubmissionState
from classifier.models import Submission
from classifier.standing.columns import find_differences, refresh_standing
from tests.factories import (
    ModelVersionFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    UserFactory,
    active_model,
    restated_together,
)

pytestmark = pytest.mark.django_db
PAIRS = list(itertools.combinations_with_replacement([None, *PredictionState], 2))
FLAGS = list(itertools.product([False, True], repeat=3))


@pytest.fixture
@restated_together()
def every_combination(monkeypatch):
    """Two images in every pair of states × cancelled × reviewed × with a shadow's answer."""
    # All of them at once at the end, instead of after each row.
    monkeypatch.setattr("tests.factories.restate", lambda *_: None)
    active, trial, person = active_model(), ModelVersionFactory(shadow=True), UserFactory()
    case = SubmissionFactory()
    for states in PAIRS:
        for is_cancelled, is_reviewed, has_shadow in FLAGS:
            row = SubmissionFactory(
                lesion=case.lesion,
                submitted_by=person,
                cancelled_at=timezone.now() if is_cancelled else None,
                cancelled_by=person if is_cancelled else None,
            )
            for state in states:
                image = SubmissionImageFactory(submission=row)
                if state:
                    PredictionFactory(image=image, model_version=active, state=state)
                if has_shadow:
                    PredictionFactory(image=image, model_version=trial, is_shadow=True, state="succeeded")
            if is_reviewed:
                ReviewFactory(submission=row, signed_by=person)
    refresh_standing(Submission.objects.values_list("pk", flat=True))
    return Submission.objects.count()


def test_query_and_property_agree(every_combination, django_assert_num_queries):
    by_query = {row.pk: state for state in SubmissionState for row in Submission.objects.with_state(state)}
    sizes = [Submission.objects.with_state(state).count() for state in SubmissionState]
    assert sum(sizes) == len(by_query) == every_combination
    assert all(sizes)
    with django_assert_num_queries(1):
        by_row = {row.pk: row.state for row in Submission.objects.all()}
    assert by_row == by_query
    assert list(find_differences()) == []


def test_several_states_are_their_union(every_combination):
    some = (SubmissionState.IN_WORK, SubmissionState.REVIEWED)
    union = {row.pk for state in some for row in Submission.objects.with_state(state)}
    assert {row.pk for row in Submission.objects.with_state(*some)} == union
    assert not Submission.objects.with_state().exists()


def test_shadow_alone_is_no_result():
    case = SubmissionFactory()
    PredictionFactory(
        submission=case, model_version=ModelVersionFactory(shadow=True), is_shadow=True, state="succeeded"
    )
    assert case.state == SubmissionState.NO_RESULT
