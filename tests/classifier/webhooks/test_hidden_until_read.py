"""A payload must not say what the reader isn't to see yet."""

import pytest

from classifier.cases.reviews import Decision, sign_review
from classifier.models import WebhookDelivery
from tests.classifier.webhooks.payloads import announce, answer, read_payloads

DECISION = Decision(diagnosis="naevus", management="no_action", comment="Mrs Invented.")


class TestHiddenUntilRead:
    """A payload must not say what the reader isn't to see yet."""

    @pytest.fixture(autouse=True)
    def hides(self, staff):
        staff.clinic.hide_result_until_read = True
        staff.clinic.save()

    def test_a_refusal_looks_like_any_answer(self, staff, endpoint):
        for outcome in ("refer", "benign", "malignant"):
            announce(answer(staff, outcome=outcome))
        payloads = read_payloads()
        assert {payload["type"] for payload in payloads} == {"prediction.succeeded"}
        assert all(set(payload["data"]) == {"prediction", "image", "model_version"} for payload in payloads)

    def test_who_listens_to_refusals_alone_hears_nothing(self, staff, endpoint):
        endpoint.events = ["prediction.refused"]
        endpoint.save()
        announce(answer(staff, outcome="refer"))
        assert not WebhookDelivery.objects.exists()

    def test_hidden_since_it_was_written(self, staff, endpoint):
        staff.clinic.hide_result_until_read = False
        staff.clinic.save()
        prediction = answer(staff, outcome="refer")
        announce(prediction)
        staff.clinic.hide_result_until_read = True
        staff.clinic.save()
        [payload] = read_payloads()
        assert (payload["type"], "code" in payload["data"]) == ("prediction.succeeded", False)
        sign_review(actor=staff.dermatologist, submission=prediction.image.submission, decision=DECISION)
        assert [one["type"] for one in read_payloads()] == ["prediction.refused", "review.signed"]
