"""A signature is told to those who listen, and to nobody else."""

import json

import pytest

from classifier.cases.reviews import Decision, amend_review, sign_review
from classifier.models import Review, WebhookDelivery, WebhookEvent
from tests.classifier.webhooks.payloads import announce, answer, read_payloads
from tests.factories import (
    answered_submission,
)
from tests.support.webhooks import ALL_EVENTS, WebhookEndpointFactory

DECISION = Decision(diagnosis="naevus", management="no_action", comment="Mrs Invented.")


class TestReviews:
    def test_signed_and_amended(self, staff, endpoint):
        case = answered_submission(staff)
        first = sign_review(actor=staff.dermatologist, submission=case, decision=DECISION)
        second = amend_review(
            actor=staff.dermatologist, review=first, decision=DECISION, reason="Histology of Mrs Invented."
        )
        signed, amended = read_payloads()
        assert (signed["type"], signed["data"]) == ("review.signed", {"review": str(first.pk)})
        assert amended["type"] == "review.amended"
        assert amended["data"] == {"review": str(second.pk), "amends": str(first.pk)}
        assert "Invented" not in json.dumps([signed, amended])

    def test_taken_back_with_the_signature(self, staff, endpoint, monkeypatch):
        def fail(**_):
            raise RuntimeError

        monkeypatch.setattr("classifier.cases.reviews.record_event", fail)
        with pytest.raises(RuntimeError):
            sign_review(actor=staff.dermatologist, submission=answered_submission(staff), decision=DECISION)
        assert not Review.objects.exists()
        assert not WebhookEvent.objects.exists()

    def test_wakes_the_sender_after_commit(
        self, staff, endpoint, wake_ups, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            sign_review(actor=staff.dermatologist, submission=answered_submission(staff), decision=DECISION)
            assert wake_ups == []
        assert wake_ups == ["classifier.tasks.deliver_webhooks_task"]


class TestWhoIsTold:
    def test_own_clinic_active_and_listening(self, side):
        told = WebhookEndpointFactory(clinic=side.own.clinic)
        too = WebhookEndpointFactory(clinic=side.own.clinic, events=["prediction.succeeded"])
        WebhookEndpointFactory(clinic=side.own.clinic, events=["prediction.failed"])
        WebhookEndpointFactory(clinic=side.own.clinic, off="failing")
        WebhookEndpointFactory(clinic=side.other.clinic)
        announce(answer(side.own, outcome="benign"))
        assert WebhookEvent.objects.count() == 1
        assert set(WebhookDelivery.objects.values_list("endpoint", flat=True)) == {told.pk, too.pk}

    def test_nothing_is_kept_where_nobody_listens(self, side):
        WebhookEndpointFactory(clinic=side.other.clinic)
        announce(answer(side.own, outcome="benign"))
        assert not WebhookEvent.objects.exists()

    def test_address_of_the_site(self, staff, endpoint, settings):
        settings.DERMAPORT_SITE_URL = "https://skin.example"
        announce(answer(staff, outcome="benign"))
        assert read_payloads()[0]["url"].startswith("https://skin.example/api/v1/submissions/")


def test_every_event_can_be_chosen():
    assert [
        *("prediction.succeeded", "prediction.refused", "prediction.failed"),
        *("review.signed", "review.amended"),
    ] == ALL_EVENTS
