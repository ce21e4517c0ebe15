"""A message is only a wake-up: lost, doubled, late or unsendable, it changes nothing."""

import random
import socket
import time

import pytest
import structlog
from django.db import transaction
from redis.exceptions import ResponseError

from classifier import tasks
from classifier.claims import wake_ups as module
from classifier.claims.wake_ups import RUN_PREDICTIONS, send_wake_up, wake_on_commit
from classifier.engine.queue import prediction_claims, wake_workers
from classifier.models import Prediction
from portal.celery import WAKE_UPS, app
from portal.trust.audit.models import AuditEvent
from tests.support.ports import free_port

SLOWEST_SECONDS = 8


def test_doubled_lost_and_reordered_messages(network, queue_images):
    chance = random.Random(7)
    for _ in range(8):
        queue_images(chance.randrange(1, 4))
        for _ in range(chance.choice([0, 0, 1, 2, 3])):
            chance.choice([tasks.run_predictions_task, tasks.reconcile_predictions_task])()
    tasks.run_predictions_task()
    assert set(Prediction.objects.values_list("state", "attempt")) == {("succeeded", 1)}
    events = AuditEvent.objects.filter(action="prediction.succeeded").values_list("object_id", flat=True)
    assert len(events) == len(set(events)) == Prediction.objects.count()


class TestUnsendable:
    """The row is committed; the sender neither fails nor waits long."""

    @pytest.fixture(autouse=True)
    def no_pause(self, monkeypatch):
        monkeypatch.setattr(module, "_unsent_until", 0.0)

    @pytest.fixture
    def broker(self, monkeypatch):
        """`broker(url)`: the application really sends, and there, until the test ends."""
        monkeypatch.delattr(app, "send_task")

        def point_to(url: str) -> None:
            monkeypatch.setattr(app.conf, "broker_write_url", url, raising=False)
            monkeypatch.setattr(app, "_pool", None)
            monkeypatch.setattr(app.amqp, "_producer_pool", None)

        return point_to

    @pytest.mark.parametrize("url", ["redis://127.0.0.1:{free}/0", "redis+socket:///nowhere/valkey.sock"])
    def test_broker_away(self, broker, url):
        broker(url.format(free=free_port()))
        started = time.monotonic()
        with structlog.testing.capture_logs() as logs:
            send_wake_up(RUN_PREDICTIONS)
        assert time.monotonic() - started < SLOWEST_SECONDS
        assert [(entry["event"], entry["reason"]) for entry in logs] == [
            ("wake_up_not_sent", "OperationalError")
        ]

    def test_broker_hangs(self, broker):
        """One sender waits for it; those after don't."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            broker(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
            started = time.monotonic()
            for _ in range(5):
                send_wake_up(RUN_PREDICTIONS)
            waited = time.monotonic() - started
        assert 1 < waited < SLOWEST_SECONDS

    def test_broker_full(self, monkeypatch):
        def refuse(*_, **__):
            raise ResponseError("OOM command not allowed when used memory > 'maxmemory'.")

        monkeypatch.setattr(app, "send_task", refuse)
        with structlog.testing.capture_logs() as logs:
            send_wake_up(RUN_PREDICTIONS)
        assert logs[0]["reason"] == "ResponseError"

    def test_first_use_of_a_broken_connection_is_tried_again(self, monkeypatch):
        sent = []

        def fail_once(*_, **options):
            sent.append(options)
            if len(sent) == 1:
                raise ConnectionError("Connection reset by peer")

        monkeypatch.setattr(app, "send_task", fail_once)
        send_wake_up(RUN_PREDICTIONS)
        assert len(sent) == 2


class TestNames:
    """A worker is called by a name; a name that no task has would wake nobody."""

    def test_every_name_is_a_task(self):
        names = {value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}
        assert len(names) >= 5
        assert names | set(WAKE_UPS) <= set(app.tasks)

    def test_message_holds_nothing(self, monkeypatch):
        """No id, no word: whoever reads the broker learns that there is work."""
        seen = []
        monkeypatch.setattr(app, "send_task", lambda *a, **k: seen.append((a, k)))
        send_wake_up(RUN_PREDICTIONS)
        assert seen == [((RUN_PREDICTIONS,), {"retry": False})]

    def test_sent_to_the_queue_of_its_task(self):
        queues = {name: app.amqp.router.route({}, name)["queue"].name for name in WAKE_UPS}
        assert queues[module.DELIVER_WEBHOOKS] == "webhooks"
        assert queues[module.RUN_PREDICTIONS] == queues[module.RUN_EXPLANATIONS] == "predictions"


@pytest.mark.django_db
def test_sent_on_commit_only(wake_ups, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        wake_workers()
        wake_on_commit(module.DELIVER_WEBHOOKS)
        assert wake_ups == []
    assert wake_ups == [RUN_PREDICTIONS, module.DELIVER_WEBHOOKS]


@pytest.mark.django_db(transaction=True)
def test_rolled_back_submission_wakes_nobody(wake_ups):
    with transaction.atomic():
        wake_workers()
        transaction.set_rollback(True)
    assert wake_ups == []
    assert prediction_claims.reconcile() == (0, 0)
