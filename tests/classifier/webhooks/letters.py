"""Predictions that happen, and the letters that tell of it."""

import json

from django.db import transaction

from classifier.models import WebhookDelivery
from classifier.states import PredictionState
from classifier.webhooks.letters import write_letter
from classifier.webhooks.outbox import announce_predictions
from tests.factories import (
    PredictionFactory,
    SubmissionFactory,
    SubmissionImageFactory,
)


def read_letters():
    rows = WebhookDelivery.objects.select_related("endpoint", "event__clinic").order_by("event__created_at")
    return [json.loads(write_letter(row).body) for row in rows]


def announce(prediction):
    with transaction.atomic():
        announce_predictions([prediction.pk])


def answer(staff, **values):
    image = SubmissionImageFactory(submission=SubmissionFactory(clinic=staff.clinic))
    return PredictionFactory(image=image, state=PredictionState.SUCCEEDED, **values)
