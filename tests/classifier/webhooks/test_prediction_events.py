"""What happened to an image is written down in the transaction in which it happened."""

import json

import pytest

from classifier.engine.queue import prediction_claims
from classifier.engine.run import run_queued
from classifier.models import Prediction, WebhookDelivery, WebhookEvent
from portal.trust.audit.models import AuditEvent
from tests.classifier.webhooks.payloads import announce, answer, read_payloads
from tests.factories import (
    PredictionFactory,
    SubmissionFactory,
)


class TestPredictions:
    def test_judged_by_a_worker(self, staff, endpoint, network, queue_images, wake_ups):
        case = SubmissionFactory(clinic=staff.clinic)
        [prediction] = queue_images(1, case)
        run_queued(budget_seconds=5)
        [payload] = read_payloads()
        event = WebhookEvent.objects.get()
        assert payload == {
            "id": str(event.pk),
            "type": "prediction.succeeded",
            "created_at": event.created_at.isoformat(),
            "clinic": str(staff.clinic.pk),
            "submission": str(case.pk),
            "data": {
                "prediction": str(prediction.pk),
                "image": str(prediction.image_id),
                "model_version": str(prediction.model_version_id),
            },
            "url": f"/api/v1/submissions/{case.pk}/",
        }

    def test_refused_by_a_gate(self, staff, endpoint, network, gates, queue_images):
        gates.refused = {224}
        queue_images(1, SubmissionFactory(clinic=staff.clinic))
        run_queued(budget_seconds=5)
        [payload] = read_payloads()
        assert (payload["type"], payload["data"]["code"]) == ("prediction.refused", "blurred")

    def test_refused_by_the_policy(self, staff, endpoint):
        announce(answer(staff, outcome="refer"))
        [payload] = read_payloads()
        assert (payload["type"], payload["data"]["code"]) == ("prediction.refused", "policy")

    @pytest.mark.parametrize("outcome", ["benign", "malignant"])
    def test_no_answer_in_the_payload(self, staff, endpoint, outcome):
        announce(answer(staff, outcome=outcome))
        [payload] = read_payloads()
        assert payload["type"] == "prediction.succeeded"
        assert outcome not in json.dumps(payload)

    def test_out_of_tries(self, staff, endpoint, settings):
        row = PredictionFactory(submission=SubmissionFactory(clinic=staff.clinic), state="running", attempt=3)
        prediction_claims.give_back(Prediction.objects.filter(pk=row.pk), reason="its lease ran out")
        [payload] = read_payloads()
        assert (payload["type"], payload["data"]["code"]) == ("prediction.failed", "attempts_exhausted")

    def test_can_not_be_decoded(self, staff, endpoint):
        announce(PredictionFactory(submission=SubmissionFactory(clinic=staff.clinic), state="rejected"))
        assert read_payloads()[0]["type"] == "prediction.failed"

    def test_shadow_is_not_told(self, staff, endpoint):
        announce(
            PredictionFactory(
                submission=SubmissionFactory(clinic=staff.clinic), state="succeeded", is_shadow=True
            )
        )
        assert not WebhookEvent.objects.exists()


def test_audit_log_stays_whole(staff, endpoint, network, queue_images):
    queue_images(3, SubmissionFactory(clinic=staff.clinic))
    run_queued(budget_seconds=5)
    assert AuditEvent.objects.filter(action="prediction.succeeded").count() == 3
    assert WebhookDelivery.objects.count() == 3
