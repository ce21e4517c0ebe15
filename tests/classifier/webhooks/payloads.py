"""Predictions that happen, and the payloads that tell of it."""

import json

from django.db import transaction

from classifier.domain.states import PredictionState
from classifier.models import WebhookDelivery
from classifier.outbox import announce_predictions
from classifier.webhooks.delivery import write_request
from tests.factories import (
    PredictionFactory,
    SubmissionFactory,
    SubmissionImageFactory,
)


def read_payloads():
    rows = WebhookDelivery.objects.select_related("endpoint", "event__clinic").order_by("event__created_at")
    return [json.loads(write_request(row).body) for row in rows]


def announce(prediction):
    with transaction.atomic():
        announce_predictions([prediction.pk])


def answer(staff, **values):
    image = SubmissionImageFactory(submission=SubmissionFactory(clinic=staff.clinic))
    return PredictionFactory(image=image, state=PredictionState.SUCCEEDED, **values)
