"""People and cases on this process's own server: no worker runs, the tests give its answers themselves."""

import datetime as dt

import pytest
from django.utils import timezone

from classifier.models import Submission
from tests.factories import (
    PredictionFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    active_model,
    staff_clinic,
)


@pytest.fixture
def staff():
    active_model()
    return staff_clinic()


@pytest.fixture
def open_as(visit):
    return visit


@pytest.fixture
def send_case(staff):
    """A case of the clinician with real pictures; each of `images` is an outcome, or empty while it waits."""

    def send(*images, days=3):
        at = timezone.now() - dt.timedelta(days=days)
        case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician, submitted_at=at)
        for seed, outcome in enumerate(images):
            image = SubmissionImageFactory(submission=case, with_files=True, with_files__seed=seed)
            if outcome:
                PredictionFactory(image=image, state="succeeded", outcome=outcome)
            else:
                PredictionFactory(image=image)
        if any(images):
            # The answer came when the case was sent.
            Submission.objects.filter(pk=case.pk).update(news_at=at)
        case.refresh_from_db()
        return case

    return send
