"""The factories give rows that the database takes, in every state."""

import hashlib

import pytest

from classifier.domain.states import PredictionState
from classifier.domain.vocabulary import ModelAnswer
from portal.trust.accounts.models import Clinic
from portal.trust.accounts.roles import Role
from tests.factories import (
    ClinicFactory,
    LesionFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    answered_submission,
    draw_jpeg,
    two_clinics,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", list(PredictionState))
def test_prediction_in_every_state(state):
    assert PredictionFactory(state=state).state == state


@pytest.mark.parametrize("outcome", list(ModelAnswer))
def test_prediction_with_every_outcome(outcome):
    row = PredictionFactory(state="succeeded", outcome=outcome)
    policy = row.threshold_policy
    assert (row.calibrated_probability > policy["refer_high"]) == (outcome == ModelAnswer.MALIGNANT)
    assert (row.calibrated_probability < policy["refer_low"]) == (outcome == ModelAnswer.BENIGN)


def test_clinics_are_consistent():
    image = SubmissionImageFactory()
    assert image.clinic == image.submission.clinic == image.submission.lesion.patient.clinic
    lesion = LesionFactory()
    assert SubmissionFactory(lesion=lesion).clinic == lesion.patient.clinic


def test_no_clinic_is_made_beside_the_given_one():
    clinic = ClinicFactory()
    assert LesionFactory(clinic=clinic).patient.clinic == clinic
    assert LesionFactory(patient__clinic=clinic).patient.clinic == clinic
    PredictionFactory(submission=SubmissionFactory(clinic=clinic))
    assert Clinic.objects.count() == 1


def test_images_with_files():
    image = SubmissionImageFactory(with_files=True, with_files__seed=3, with_files__size=256)
    assert hashlib.sha256(image.original.read()).hexdigest() == image.sha256
    assert image.original.size == image.byte_size == len(draw_jpeg(3, 256))
    assert (image.width, image.height) == (256, 256)
    assert image.derivative.size > 0
    assert image.thumbnail.size > 0


def test_two_clinics():
    both = two_clinics()
    people = {side.person(role) for side in (both.own, both.other) for role in Role}
    assert len(people) == 2 * len(Role)
    case = answered_submission(both.own, "malignant", "refer")
    assert case.images.count() == 2
    assert ReviewFactory(amends=ReviewFactory(submission=case)).submission == case
