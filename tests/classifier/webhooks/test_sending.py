"""Deliveries to a real receiver."""

import json
import threading
import time

import pytest
from django.db import OperationalError
from django.utils import timezone

from classifier.models import WebhookDelivery
from classifier.webhooks import delivery
from classifier.webhooks.delivery import deliver_due
from tests.classifier.webhooks.receiver import Receiver
from tests.classifier.webhooks.rows import add
from tests.support.webhooks import WebhookEndpointFactory


@pytest.mark.django_db(transaction=True)
class TestSending:
    def test_delivered_to_a_real_receiver(self, receiver):
        endpoint = WebhookEndpointFactory(url=receiver.url)
        rows = add(endpoint, 5)
        assert deliver_due(budget_seconds=5) == 5
        assert {row.state for row in WebhookDelivery.objects.all()} == {"delivered"}
        assert {json.loads(one.body)["id"] for one in receiver.requests} == {
            str(row.event_id) for row in rows
        }
        assert receiver.most_busy <= 2

    def test_slow_receiver_holds_up_nobody(self, receiver, tmp_path, settings):
        """It answers only when the quick one has had all its deliveries."""
        settings.DERMAPORT_WEBHOOK_PARALLEL = 4
        settings.DERMAPORT_WEBHOOK_SECONDS = 60
        receiver.may_answer.clear()
        with Receiver(tmp_path) as quick:
            add(WebhookEndpointFactory(url=receiver.url), 4)
            add(WebhookEndpointFactory(url=f"http://127.0.0.1:{quick.port}/"), 20)

            def release() -> None:
                while len(quick.requests) < 20:
                    time.sleep(0.01)
                receiver.may_answer.set()

            threading.Thread(target=release, daemon=True).start()
            deliver_due(budget_seconds=60)
        assert receiver.most_busy <= 2
        assert WebhookDelivery.objects.filter(state="delivered").count() == 24

    def test_same_event_id_at_every_try(self, receiver):
        receiver.answers = [(500, b""), (503, b""), (200, b"")]
        [row] = add(WebhookEndpointFactory(url=receiver.url))
        for _ in range(3):
            deliver_due(budget_seconds=5)
            WebhookDelivery.objects.waiting().update(next_attempt_at=timezone.now())
        row.refresh_from_db()
        assert (row.state, row.attempt) == ("delivered", 3)
        assert {one.headers["dermaport-event-id"] for one in receiver.requests} == {str(row.event_id)}
        assert len({one.body for one in receiver.requests}) == 1

    def test_bug_in_one_delivery_costs_one_try(self, receiver, monkeypatch):
        endpoint = WebhookEndpointFactory(url=receiver.url)
        broken, sound = add(endpoint, 2)
        real = delivery.send

        def send(request):
            if request.event_id == str(broken.event_id):
                raise ZeroDivisionError
            return real(request)

        monkeypatch.setattr(delivery, "send", send)
        deliver_due(budget_seconds=5)
        broken.refresh_from_db()
        sound.refresh_from_db()
        assert (broken.state, broken.error_code, sound.state) == ("waiting", "internal_error", "delivered")

    def test_error_gives_back_what_is_under_way_and_is_raised(self, receiver, monkeypatch):
        rows = add(WebhookEndpointFactory(url=receiver.url), 2)

        def lose(**_):
            raise OperationalError("server closed the connection unexpectedly")

        with monkeypatch.context() as patch:
            patch.setattr(delivery, "finish_delivery", lose)
            with pytest.raises(OperationalError):
                deliver_due(budget_seconds=5)
        assert set(WebhookDelivery.objects.values_list("state", "error_code")) == {("waiting", "interrupted")}
        assert deliver_due(budget_seconds=5) == len(rows)
        assert set(WebhookDelivery.objects.values_list("state", "attempt")) == {("delivered", 2)}

    def test_secret_that_cannot_be_opened(self, receiver, settings):
        [row] = add(WebhookEndpointFactory(url=receiver.url))
        settings.DERMAPORT_ENCRYPTION_KEYS = ["n" * 40]
        deliver_due(budget_seconds=5)
        row.refresh_from_db()
        assert (row.state, row.error_code, receiver.requests) == ("waiting", "secret_lost", [])

    def test_asks_for_another_turn_when_its_time_is_over(self, receiver, wake_ups):
        add(WebhookEndpointFactory(url=receiver.url), 3)
        assert deliver_due(budget_seconds=0) == 0
        assert wake_ups == ["classifier.tasks.deliver_webhooks_task"]
