"""Outlines in the worker: claimed, drawn, stored and finished once, after everything else; and in idle time."""

import datetime as dt

import numpy as np
import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from classifier.consents import stop_inference
from classifier.engine import serving
from classifier.engine.outline import (
    IDLE_AT_ONCE,
    claim_outline,
    finish,
    make_outline,
    queue_idle_outlines,
    run_queued_outlines,
)
from classifier.models import Outline, OutlineNetwork, Prediction, Submission
from ml.outlines.measures import Measures
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    ModelVersionFactory,
    OutlineFactory,
    OutlineNetworkFactory,
    PredictionFactory,
    answered_submission,
    outline_network,
    refused_image,
    staff_clinic,
)

pytestmark = pytest.mark.django_db
MEASURES = Measures(0.25, 0.7, 0.1, 1.3, ("red", "black"), is_cut=False)
SQUARE = np.array([[1.0, 1.0], [3.0, 1.0], [3.0, 3.0], [1.0, 3.0]])


@pytest.fixture
def staff(db):
    return staff_clinic()


@pytest.fixture
def active_model(db):
    return ModelVersionFactory(active=True)


@pytest.fixture
def drawer(monkeypatch):
    """A network that outlines every picture alike: `drawer.error` and `drawer.load_error` are raised instead."""

    class Drawer:
        error = load_error = None
        asked = 0

        def load(self, network):
            if self.load_error:
                raise self.load_error

        def outline(self, network, data):
            self.asked += 1
            if self.error:
                raise self.error
            return serving.LesionOutline(np.ones((4, 4), bool), SQUARE, MEASURES, 0.05)

    made = Drawer()
    monkeypatch.setattr(serving, "load_outliner", made.load)
    monkeypatch.setattr(serving, "outline", made.outline)
    return made


@pytest.fixture
def ask(queue_images):
    def make(count=1, **values):
        return [OutlineFactory(image=row.image, **values) for row in queue_images(count, state="succeeded")]

    return make


def states():
    return sorted(Outline.objects.values_list("state", "attempt"))


def test_each_is_drawn_once_and_stored(drawer, ask):
    ask(3)
    assert run_queued_outlines(budget_seconds=60) == 3
    assert run_queued_outlines(budget_seconds=60) == 0
    assert states() == [("succeeded", 1)] * 3
    row = Outline.objects.first()
    assert row.points == [[2500, 2500], [7500, 2500], [7500, 7500], [2500, 7500]]
    assert (row.measures["colours"], row.measures["area_mm2"], row.milliseconds) == (
        ["red", "black"],
        None,
        50,
    )
    assert AuditEvent.objects.filter(action="outline.succeeded").count() == 3


def test_nothing_of_the_verdict_changes(drawer, ask):
    ask(1)
    before = (list(Prediction.objects.values()), list(Submission.objects.values()))
    run_queued_outlines(budget_seconds=60)
    assert (list(Prediction.objects.values()), list(Submission.objects.values())) == before


def test_what_a_person_asked_for_goes_first(drawer, ask):
    idle, asked = ask(2)
    Outline.objects.filter(pk=idle.pk).update(
        requested_by=None, requested_at=timezone.now() - dt.timedelta(hours=1)
    )
    assert claim_outline(worker="a").pk == asked.pk
    assert claim_outline(worker="a", only_asked=True) is None
    assert claim_outline(worker="a").pk == idle.pk


def test_predictions_go_before_all_but_one_that_somebody_waits_for(drawer, ask, wake_ups):
    ask(1, requested_by=None)
    PredictionFactory(state="queued")
    assert run_queued_outlines(budget_seconds=60) == 0
    assert wake_ups == []  # the reconciler's: a wake-up would come back at once
    for row in Outline.objects.all():
        OutlineFactory(image=PredictionFactory(state="succeeded").image, network=row.network)
    ask(2)
    assert run_queued_outlines(budget_seconds=60) == 1
    assert wake_ups == ["classifier.tasks.run_outlines_task"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (serving.NoLesionError("No lesion stands out."), "no_lesion_found"),
        (serving.UnusableImageError("corrupt", "Damaged."), "corrupt"),
    ],
)
def test_a_picture_without_outline_fails_with_its_reason(drawer, ask, error, code):
    ask(1)
    drawer.error = error
    assert run_queued_outlines(budget_seconds=60) == 1
    row = Outline.objects.get()
    assert (row.state, row.error_code, row.points, row.measures) == ("failed", code, [], {})


def test_a_network_that_is_gone_fails_the_row_and_leaves_an_event(drawer, ask):
    ask(1)
    drawer.load_error = serving.RefusedNetworkError("sha256_mismatch", "Another file.")
    run_queued_outlines(budget_seconds=60)
    row = Outline.objects.get()
    assert (row.state, row.error_code) == ("failed", "model_unavailable")
    assert "Tell your operator" in row.error_message
    assert AuditEvent.objects.get(action="outline_network.refused").details["code"] == "sha256_mismatch"


def test_a_lost_original_fails_the_row(drawer, ask):
    row = ask(1)[0]
    row.image.original.storage.delete(row.image.original.name)
    run_queued_outlines(budget_seconds=60)
    assert (Outline.objects.get().error_code, drawer.asked) == ("original_missing", 0)


def test_a_finished_one_never_changes(drawer, ask):
    ask(1)
    run_queued_outlines(budget_seconds=60)
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
        Outline.objects.update(points=[])


def test_consent_withdrawn_meanwhile_drops_the_answer(drawer, ask):
    ask(1)
    row = claim_outline(worker="a")
    found = make_outline(row)
    stop_inference(row.image.submission.lesion.patient, "consent_withdrawn", "Withdrawn.")
    assert finish(row, found) == 0
    assert list(Outline.objects.values_list("state", "error_code")) == [("failed", "consent_withdrawn")]


class TestIdle:
    def test_pictures_that_wait_for_a_reader_are_outlined(self, staff, active_model):
        network = outline_network()
        case = answered_submission(staff, "malignant")
        assert queue_idle_outlines() == 1
        row = Outline.objects.get()
        assert (row.image.submission, row.network, row.requested_by) == (case, network, None)
        assert queue_idle_outlines() == 0

    def test_at_most_a_few_at_once(self, staff, active_model):
        outline_network()
        for _ in range(IDLE_AT_ONCE + 1):
            answered_submission(staff, "benign")
        assert queue_idle_outlines() == IDLE_AT_ONCE

    def test_not_while_something_waits_nor_without_a_network(self, staff, active_model):
        answered_submission(staff, "malignant")
        assert queue_idle_outlines() == 0
        outline_network()
        waiting = PredictionFactory(state="queued")
        assert queue_idle_outlines() == 0
        Prediction.objects.filter(pk=waiting.pk).delete()
        assert queue_idle_outlines() == 1

    def test_not_against_consent_nor_what_was_refused_or_failed(self, staff, active_model):
        outline_network()
        refused_image(submission=answered_submission(staff, "refer"))
        case = answered_submission(staff, "malignant")
        OutlineFactory(image=case.images.get(), state="failed")
        against = answered_submission(staff, "malignant")
        patient = against.lesion.patient
        patient.consents_to_inference = False
        patient.save()
        queue_idle_outlines()
        queued = Outline.objects.filter(state="queued").select_related("image__submission")
        assert not [row for row in queued if row.image.gate_refusals]
        assert not {case, against} & {row.image.submission for row in queued}


def test_one_network_is_active():
    outline_network()
    with pytest.raises(DatabaseError), transaction.atomic():
        OutlineNetworkFactory(lifecycle="active")
    assert OutlineNetwork.objects.active().count() == 1
