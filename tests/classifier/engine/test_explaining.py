"""Explanations in the worker: claimed, computed, stored and finished once, whatever is killed."""

import datetime as dt
from io import BytesIO

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone
from PIL import Image

from classifier import tasks
from classifier.claims.engine import OutageError
from classifier.claims.identity import worker_id
from classifier.engine import serving
from classifier.engine.explain import (
    claim_explanation,
    explain,
    explanation_claims,
    finish,
    run_queued_explanations,
)
from classifier.engine.serving import ExplainedImage
from classifier.models import Explanation
from portal.trust.audit.models import AuditEvent
from tests.factories import EXPLANATION_FIGURES, ExplanationFactory, PredictionFactory
from tests.support.networks import write_untrained_network

AGO = timezone.now() - dt.timedelta(seconds=1)


@pytest.fixture
def maker(network, monkeypatch):
    """A worker whose network draws nothing: `maker.error` is raised instead when set."""

    class Maker:
        error = None
        asked = []

        def explain(self, version, pixels, size):
            self.asked.append((pixels.shape, size))
            if self.error:
                raise self.error
            return ExplainedImage(b"drawn", dict(EXPLANATION_FIGURES))

    made = Maker()
    monkeypatch.setattr(serving, "explain", made.explain)
    return made


@pytest.fixture
def ask(queue_images):
    def make(count=1, **values):
        return [
            ExplanationFactory(prediction=row, **values) for row in queue_images(count, state="succeeded")
        ]

    return make


def states():
    return sorted(Explanation.objects.values_list("state", "attempt"))


def expire():
    Explanation.objects.update(lease_until=AGO)


@pytest.mark.django_db
class TestRunning:
    def test_each_is_computed_once_and_stored(self, maker, ask):
        rows = ask(3)
        assert run_queued_explanations(budget_seconds=60) == 3
        assert run_queued_explanations(budget_seconds=60) == 0
        assert states() == [("succeeded", 1)] * 3
        assert maker.asked[-1] == ((32, 32, 3), (224, 224))
        for row in rows:
            row.refresh_from_db()
            with row.overlay.open("rb") as file:
                assert file.read() == b"drawn"
            assert row.figures == EXPLANATION_FIGURES
            assert (row.lease_until, row.error_code) == (None, "")
        answered = AuditEvent.objects.filter(action="explanation.succeeded")
        assert sorted(answered.values_list("object_id", flat=True)) == sorted(str(row.pk) for row in rows)

    def test_oldest_first(self, maker, ask):
        young, old = ask(2)
        Explanation.objects.filter(pk=old.pk).update(requested_at=AGO - dt.timedelta(hours=1))
        assert claim_explanation(worker="a") == old
        assert claim_explanation(worker="a") == young
        assert claim_explanation(worker="a") is None

    def test_predictions_go_first(self, maker, ask, wake_ups):
        ask(3)
        PredictionFactory()
        assert run_queued_explanations(budget_seconds=60) == 1
        assert len(wake_ups) == 1

    def test_spent_budget_leaves_the_rest_to_the_next_wake_up(self, maker, ask, wake_ups):
        ask(2)
        assert run_queued_explanations(budget_seconds=-1) == 1
        assert len(wake_ups) == 1

    def test_missing_original_fails_with_its_reason(self, maker, ask):
        (row,) = ask()
        image = row.prediction.image
        image.original.storage.delete(image.original.name)
        run_queued_explanations(budget_seconds=60)
        row.refresh_from_db()
        assert (row.state, row.error_code) == ("failed", "original_missing")
        assert AuditEvent.objects.get(action="explanation.failed").details["code"] == "original_missing"

    def test_model_that_is_gone_fails_with_a_sentence(self, maker, network, ask):
        (row,) = ask()
        network.load_error = OSError("no such file")
        run_queued_explanations(budget_seconds=60)
        row.refresh_from_db()
        assert (row.state, row.error_code) == ("failed", "model_unavailable")
        assert "Tell your operator" in row.error_message

    def test_network_without_a_map_fails_with_a_sentence(self, maker, ask):
        (row,) = ask()
        maker.error = serving.ExplanationError("none")
        run_queued_explanations(budget_seconds=60)
        row.refresh_from_db()
        assert (row.state, row.error_code) == ("failed", "no_feature_map")

    @pytest.mark.parametrize("error", [ValueError("a bug"), SoftTimeLimitExceeded(), SystemExit()])
    def test_error_gives_back_and_is_raised(self, maker, ask, error):
        ask()
        maker.error = error
        with pytest.raises(type(error)):
            run_queued_explanations(budget_seconds=60)
        assert states() == [("queued", 1)]

    def test_third_spent_attempt_fails(self, maker, ask):
        (row,) = ask()
        maker.error = ValueError("a bug")
        for _ in range(3):
            with pytest.raises(ValueError, match="a bug"):
                run_queued_explanations(budget_seconds=60)
        assert run_queued_explanations(budget_seconds=60) == 0
        row.refresh_from_db()
        assert (row.state, row.error_code, row.attempt) == ("failed", "attempts_exhausted", 3)
        assert AuditEvent.objects.get(action="explanation.failed").details["attempts"] == 3

    def test_full_store_costs_no_attempt(self, maker, ask, monkeypatch):
        (row,) = ask()

        def refuse(*_, **__):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(type(row.overlay.storage), "_save", refuse)
            with pytest.raises(OutageError):
                run_queued_explanations(budget_seconds=60)
        assert states() == [("queued", 0)]
        assert run_queued_explanations(budget_seconds=60) == 1

    def test_real_network(self, ask, settings, tmp_path):
        """The whole way: file, scan, gradient, overlay in the picture's proportions."""
        settings.DERMAPORT_MODELS_DIR = tmp_path
        specification = write_untrained_network(tmp_path)
        (row,) = ask()
        version = row.prediction.model_version
        version.sha256, version.specification = specification.sha256, specification.to_dict()
        version.save()
        row.prediction.image.width = 448
        row.prediction.image.save()
        assert run_queued_explanations(budget_seconds=60) == 1
        row.refresh_from_db()
        with row.overlay.open("rb") as file:
            overlay = Image.open(BytesIO(file.read()))
        assert (overlay.format, overlay.mode, overlay.size) == ("PNG", "RGBA", (640, 320))
        assert row.figures["cells"] == [26, 26]
        assert 0 <= row.figures["without_marked"] <= 1


@pytest.mark.django_db
class TestNothingIsLost:
    def test_killed_worker_loses_nothing(self, maker, ask, wake_ups):
        """It claimed and was killed: the lease runs out, another one does it."""
        (row,) = ask()
        claim_explanation(worker="elsewhere/0/1/1.1")
        assert explanation_claims.reconcile() == (0, 0)
        expire()
        assert explanation_claims.reconcile() == (1, 0)
        assert states() == [("queued", 1)]
        assert len(wake_ups) == 2
        assert run_queued_explanations(budget_seconds=60) == 1
        row.refresh_from_db()
        assert (row.state, row.attempt) == ("succeeded", 2)

    def test_late_answer_is_dropped_with_its_file(self, maker, ask):
        ask()
        first = claim_explanation(worker=worker_id())
        finding = explain(first)
        expire()
        explanation_claims.give_back(Explanation.objects.all(), reason="its lease ran out")
        assert claim_explanation(worker="elsewhere/0/1/1.1").attempt == 2
        assert finish(first, finding) == 0
        assert not first.overlay.storage.exists(finding.values["overlay"])
        assert states() == [("running", 2)]
        assert not AuditEvent.objects.filter(action="explanation.succeeded").exists()

    def test_process_holds_nothing_between_tasks(self, maker, ask):
        ask(state="running", worker=worker_id())
        assert run_queued_explanations(budget_seconds=60) == 1
        assert states() == [("succeeded", 2)]

    def test_lost_wake_up_is_sent_again(self, ask, wake_ups):
        ask()
        tasks.reconcile_predictions_task()
        assert len(wake_ups) == 1


@pytest.mark.django_db
class TestConstraints:
    @pytest.mark.parametrize(
        ("values", "name"),
        [
            ({"state": "cancelled"}, "explanation_state_known"),
            ({"state": "succeeded", "overlay": ""}, "explanation_overlay_only_when_succeeded"),
            ({"state": "queued", "overlay": "a/b"}, "explanation_overlay_only_when_succeeded"),
            ({"state": "running", "lease_until": None}, "explanation_running_has_lease"),
            ({"state": "queued", "finished_at": AGO}, "explanation_finished_has_time"),
            ({"state": "failed", "error_code": ""}, "explanation_failure_has_reason"),
        ],
    )
    def test_holds(self, values, name):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            ExplanationFactory(**values)

    def test_one_live_per_prediction(self):
        row = ExplanationFactory(state="failed")
        ExplanationFactory(prediction=row.prediction)
        with pytest.raises(IntegrityError), transaction.atomic():
            ExplanationFactory(prediction=row.prediction)

    @pytest.mark.parametrize("state", ["succeeded", "failed"])
    def test_finished_ones_never_change(self, state):
        row = ExplanationFactory(state=state)
        with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
            Explanation.objects.filter(pk=row.pk).update(worker="another")
