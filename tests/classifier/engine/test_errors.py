"""Errors in the middle: what costs an attempt, what doesn't, and who pays for a poison image."""

import contextlib
import hashlib

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError

from classifier.claims.engine import OutageError
from classifier.claims.identity import worker_id
from classifier.engine import run as service
from classifier.engine import stopping
from classifier.engine.queue import prediction_claims
from classifier.engine.run import run_queued
from classifier.engine.serving import RefusedNetworkError
from classifier.models import Prediction, SubmissionImage
from portal.trust.audit.models import AuditEvent
from tests.factories import PredictionFactory

pytestmark = pytest.mark.django_db


def states():
    return sorted(Prediction.objects.values_list("state", "attempt"))


def test_unexpected_error_gives_back_and_is_raised(network, queue_images):
    queue_images(3)
    network.error = ValueError("a bug")
    with pytest.raises(ValueError, match="a bug"):
        run_queued(budget_seconds=60)
    assert states() == [("queued", 1)] * 3


@pytest.mark.parametrize("error", [SoftTimeLimitExceeded(), SystemExit(), KeyboardInterrupt()])
def test_interruption_gives_back_and_is_raised(network, queue_images, error):
    queue_images(2)
    network.error = error
    with pytest.raises(type(error)):
        run_queued(budget_seconds=60)
    assert states() == [("queued", 1)] * 2


def test_error_gives_back_the_batch_ahead_too(network, queue_images, settings):
    settings.DERMAPORT_BATCH_SIZE = 2
    queue_images(6)
    network.error = ValueError("a bug")
    with pytest.raises(ValueError, match="a bug"):
        run_queued(budget_seconds=60)
    assert states() == [("queued", 0)] * 2 + [("queued", 1)] * 4


def test_third_spent_attempt_fails_with_a_reason(network, queue_images):
    (row,) = queue_images(1)
    network.error = ValueError("a bug")
    for _ in range(3):
        with pytest.raises(ValueError, match="a bug"):
            run_queued(budget_seconds=60)
    assert run_queued(budget_seconds=60) == 0
    row.refresh_from_db()
    assert (row.state, row.error_code, row.attempt) == ("failed", "attempts_exhausted", 3)
    assert "3 times" in row.error_message
    event = AuditEvent.objects.get(action="prediction.failed")
    assert (event.object_id, event.details["attempts"]) == (str(row.pk), 3)


def test_poison_image_fails_alone(queue_images, network, monkeypatch):
    """One image breaks the network each time: it fails, and the other four are answered."""
    poison, *others = queue_images(5)
    prepare, predict = service.serving.prepare, network.predict
    marked = SubmissionImage.objects.get(pk=poison.image_id).sha256

    def mark(version, data, *, with_look):
        pixels = prepare(version, data, with_look=with_look).pixels.copy()
        pixels[0, 0, 0] = 7 if hashlib.sha256(data).hexdigest() == marked else 8
        return service.serving.Prepared(pixels, None)

    def break_on_poison(version, images):
        if any(image[0, 0, 0] == 7 for image in images):
            raise RuntimeError("poison")
        return predict(version, images)

    monkeypatch.setattr(service.serving, "prepare", mark)
    monkeypatch.setattr(service.serving, "predict", break_on_poison)
    for _ in range(4):
        with contextlib.suppress(RuntimeError):
            run_queued(budget_seconds=60)
    poison.refresh_from_db()
    assert (poison.state, poison.attempt) == ("failed", 3)
    assert {Prediction.objects.get(pk=row.pk).state for row in others} == {"succeeded"}


class TestOutages:
    """What judging needs is away: the rows wait with all their attempts."""

    def test_model_that_does_not_load(self, network, queue_images):
        queue_images(2)
        network.load_error = OSError("no such file")
        for _ in range(5):
            with pytest.raises(OutageError):
                run_queued(budget_seconds=60)
        assert states() == [("queued", 0)] * 2
        network.load_error = None
        assert run_queued(budget_seconds=60) == 2

    def test_file_that_changed_on_disk_leaves_one_trace(self, network, queue_images):
        (row,) = queue_images(1)
        network.load_error = RefusedNetworkError("sha256_mismatch", "Expected another SHA-256.")
        for _ in range(3):
            with pytest.raises(OutageError):
                run_queued(budget_seconds=60)
        assert states() == [("queued", 0)]
        event = AuditEvent.objects.get(action="model_version.refused")
        assert event.object_id == str(row.model_version_id)
        assert event.details["code"] == "sha256_mismatch"

    def test_store_that_does_not_answer(self, network, queue_images, monkeypatch):
        (row,) = queue_images(1)
        storage = type(row.image.original.storage)

        def refuse(*_, **__):
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(storage, "_open", refuse)
            with pytest.raises(OutageError):
                run_queued(budget_seconds=60)
        assert states() == [("queued", 0)]
        assert run_queued(budget_seconds=60) == 1


def test_database_lost_while_finishing(network, queue_images, monkeypatch):
    """The answer could not be written nor the row given back: the next wake-up does it."""
    queue_images(2)

    def lose(*_, **__):
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(service, "record_events", lose)
        patch.setattr(prediction_claims, "give_back", lose)
        with pytest.raises(OperationalError):
            run_queued(budget_seconds=60)
    assert states() == [("running", 1)] * 2
    assert not AuditEvent.objects.filter(action="prediction.succeeded").exists()
    assert run_queued(budget_seconds=60) == 2
    assert states() == [("succeeded", 2)] * 2


def test_process_holds_nothing_between_tasks(network):
    """What a lost database connection left behind is given back by the next wake-up."""
    own = PredictionFactory(state="running", worker=worker_id())
    other = PredictionFactory(state="running", worker="elsewhere/0/1/1.1")
    prediction_claims.give_back_own("its worker lost touch")
    assert [Prediction.objects.get(pk=row.pk).state for row in (own, other)] == ["queued", "running"]


class TestStopping:
    @pytest.fixture
    def asked_to_stop(self):
        stopping.ask_to_stop()
        yield
        stopping._flag[0] = 0

    def test_current_batch_is_finished_and_no_more(self, network, queue_images, settings, asked_to_stop):
        settings.DERMAPORT_BATCH_SIZE = 2
        queue_images(6)
        assert run_queued(budget_seconds=60) == 2
        assert states() == [("queued", 0)] * 4 + [("succeeded", 1)] * 2

    def test_spent_budget_leaves_the_rest_to_the_next_wake_up(
        self, network, queue_images, settings, wake_ups
    ):
        settings.DERMAPORT_BATCH_SIZE = 2
        queue_images(6)
        assert run_queued(budget_seconds=0) == 2
        assert len(wake_ups) == 1


def test_no_wake_up_when_one_batch_was_all(network, queue_images, wake_ups):
    queue_images(2)
    run_queued(budget_seconds=60)
    assert wake_ups == []
