"""What a worker does, without a worker."""

from __future__ import annotations

import uuid

from django.utils import timezone

from classifier.models import Prediction
from tests.factories import active_model


def answer_queued() -> int:
    """Judge every image that waits as malignant; return how many those were."""
    now = timezone.now()
    return Prediction.objects.queued().update(
        state="succeeded",
        attempt=1,
        claim=uuid.uuid4(),
        worker="elsewhere/1/1",
        started_at=now,
        finished_at=now,
        outcome="malignant",
        probability=0.91,
        calibrated_probability=0.91,
        threshold_policy=active_model().policy,
        device="CPU: test",
    )
