"""What becomes of claimed rows: answers, refusals, and answers that come too late."""

import datetime as dt
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from classifier.cases.withdrawal import cancel_submission
from classifier.claims.identity import worker_id
from classifier.domain.diagnoses import LABELS_VERSION
from classifier.domain.states import PredictionState
from classifier.engine import serving
from classifier.engine.decode import start_decoding
from classifier.engine.queue import claim_batch, prediction_claims
from classifier.engine.run import Work, finish_batch, judge, run_queued
from classifier.engine.serving import BatchResult, Judgement
from classifier.models import Prediction
from ml.serving.diagnoses import DiagnosisPolicy, name_diagnoses
from portal.trust.accounts.models import Clinic
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import verify_chains
from tests.factories import (
    ClinicFactory,
    MembershipFactory,
    ModelVersionFactory,
    SubmissionFactory,
    tiny_specification,
)

pytestmark = pytest.mark.django_db


def start_work(limit=32):
    rows = claim_batch(worker=worker_id(), limit=limit)
    return Work(rows, start_decoding(rows))


def events(action):
    return AuditEvent.objects.filter(action=action)


def test_every_queued_row_is_answered_once(network, queue_images, settings):
    settings.DERMAPORT_BATCH_SIZE = 4
    rows = queue_images(10)
    assert run_queued(budget_seconds=60) == 10
    assert run_queued(budget_seconds=60) == 0
    assert network.batches == [4, 4, 2]
    for row in Prediction.objects.all():
        assert (row.state, row.outcome, row.probability, row.attempt) == ("succeeded", "benign", 0.25, 1)
        assert (row.threshold_policy, row.device) == (row.model_version.policy, "CPU: fake")
        assert set(row.timings) == {"decode_ms", "gate_ms", "predict_ms", "batch_size"}
        assert row.lease_until is None
    answered = events("prediction.succeeded").values_list("object_id", flat=True)
    assert sorted(answered) == sorted(str(row.pk) for row in rows)
    assert list(verify_chains()) == []


def test_each_row_gets_its_own_answer(network, queue_images, monkeypatch):
    rows = queue_images(3)
    answers = {
        row.pk: Judgement(0.1 * n, 0.2 * n, outcome)
        for n, (row, outcome) in enumerate(zip(rows, ["benign", "refer", "malignant"], strict=True), 1)
    }
    work = start_work()
    order = [row.pk for row in work.rows]
    judgements = [answers[pk] for pk in order]
    monkeypatch.setattr(serving, "predict", lambda *_: BatchResult(judgements, "CPU: fake", 0.1))
    assert finish_batch(judge(work)) == 3
    for row in Prediction.objects.all():
        found = (row.probability, row.calibrated_probability, row.outcome)
        expected = answers[row.pk]
        assert found == (expected.probability, expected.calibrated_probability, expected.outcome)


def test_a_result_keeps_what_its_figure_is_worth_in_the_clinic_of_that_moment(
    network, queue_images, monkeypatch
):
    """Of a picture that is far it is told from what, and nothing else; the audit log has why it is referred."""
    calibration = {"method": "platt", "a": 1.0, "b": 0.0, "prevalence": 0.5}
    sources = [{"source": "blind", "a": 0.0, "b": 0.0, "prevalence": 0.5}]
    specification = tiny_specification("weighed") | {"calibration": calibration | {"sources": sources}}
    version = ModelVersionFactory(
        name="weighed", sha256=specification["sha256"], specification=specification, active=True
    )
    case = SubmissionFactory(clinic=ClinicFactory(kind="dermatology"))
    near, far = queue_images(2, submission=case, model_version=version)
    found = [Judgement(0.9, 0.9, "malignant", 1.1), Judgement(0.9, 0.9, "refer", 2.5, is_far=True)]
    work = start_work()
    judgements = [found[row.pk == far.pk] for row in work.rows]
    monkeypatch.setattr(serving, "predict", lambda *_: BatchResult(judgements, "CPU: fake", 0.1))
    assert finish_batch(judge(work)) == 2
    for row in (near, far):
        row.refresh_from_db()
    likelihood = 9 * 0.15 / 0.85
    assert (near.prevalence, near.distance, near.is_far) == (0.15, 1.1, False)
    worth = (near.predictive_value, near.predictive_low, near.predictive_high)
    assert worth == pytest.approx((likelihood / (1 + likelihood), 0.15, likelihood / (1 + likelihood)))
    assert (far.outcome, far.is_far, far.distance, far.prevalence) == ("refer", True, 2.5, 0.15)
    assert (far.predictive_value, far.predictive_low, far.probability) == (None, None, 0.9)
    codes = {event.object_id: event.details.get("code") for event in events("prediction.succeeded")}
    assert codes == {str(near.pk): None, str(far.pk): "unlike_training"}
    case.refresh_from_db()
    assert case.model_probability == 0.9


def test_diagnoses_are_stored_with_the_figure_each_row_its_own(network, queue_images, monkeypatch):
    queue_images(3)
    work = start_work()
    policy = DiagnosisPolicy()
    shares = {row.pk: np.array([0.2, 0.1 * n, 0.8 - 0.1 * n]) for n, row in enumerate(work.rows, 1)}
    named = [name_diagnoses(shares[row.pk], ("nv", "mel", "df"), ("mel",), policy) for row in work.rows]
    judgements = [
        Judgement(0.5, float(shares[row.pk][1]), "refer", diagnoses=found)
        for row, found in zip(work.rows, named, strict=True)
    ]
    monkeypatch.setattr(serving, "predict", lambda *_: BatchResult(judgements, "CPU: fake", 0.1))
    far = judgements[2] = replace(judgements[2], distance=9.0, is_far=True)
    assert finish_batch(judge(work)) == 3
    (unlike,) = Prediction.objects.filter(diagnoses__isnull=True)
    assert unlike.calibrated_probability == far.calibrated_probability
    for row in Prediction.objects.exclude(pk=unlike.pk):
        (melanoma,) = [one for one in row.could_be.every if one.is_malignant]
        assert melanoma.probability == row.calibrated_probability == shares[row.pk][1]
        assert row.diagnoses["labels"] == LABELS_VERSION
        assert row.could_be.every[0].name == "df"
        assert row.could_be.stands_out == (shares[row.pk][2] >= 0.5)
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
        Prediction.objects.update(diagnoses=None)


def test_queries_do_not_grow_with_the_batch(network, queue_images):
    counts = []
    for size in (2, 2, 16):  # the first makes the audit chain of its clinic
        case = SubmissionFactory(clinic=Clinic.objects.first() or ClinicFactory())
        queue_images(size, submission=case)
        with CaptureQueriesContext(connection) as queries:
            run_queued(budget_seconds=60)
        counts.append(len(queries))
    assert counts[1] == counts[2] <= 40


class TestUnusableOriginals:
    def test_undecodable_is_rejected_with_a_reason(self, network, queue_images):
        good, bad = queue_images(2)
        data = b"\xff\xd8 no image at all"
        original = bad.image.original
        original.storage.delete(original.name)
        original.storage.save(original.name, ContentFile(data))
        bad.image.sha256 = hashlib.sha256(data).hexdigest()
        bad.image.save()
        assert run_queued(budget_seconds=60) == 2
        bad.refresh_from_db()
        good.refresh_from_db()
        assert (bad.state, bad.outcome) == ("rejected", "")
        assert bad.error_code
        assert bad.error_message
        assert good.state == PredictionState.SUCCEEDED
        assert events("prediction.rejected").get().details["code"] == bad.error_code

    def test_missing_original_fails(self, network, queue_images):
        (row,) = queue_images(1)
        row.image.original.storage.delete(row.image.original.name)
        run_queued(budget_seconds=60)
        row.refresh_from_db()
        assert (row.state, row.error_code) == ("failed", "original_missing")
        assert network.batches == []

    def test_changed_original_fails(self, network, queue_images):
        (row,) = queue_images(1)
        with Path(row.image.original.path).open("ab") as file:
            file.write(b"!")
        run_queued(budget_seconds=60)
        row.refresh_from_db()
        assert (row.state, row.error_code) == ("failed", "original_changed")


class TestLateAnswers:
    def test_stale_attempt_is_dropped(self, network, queue_images):
        """The lease ran out and somebody else has the row: the first answer is nobody's."""
        queue_images(3)
        first = start_work()
        Prediction.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
        prediction_claims.give_back(Prediction.objects.all(), reason="its lease ran out")
        second = claim_batch(worker="elsewhere/0/1/1.1", limit=1)
        assert finish_batch(judge(first)) == 0
        assert events("prediction.succeeded").count() == 0
        row = Prediction.objects.get(pk=second[0].pk)
        assert (row.state, row.attempt, row.worker) == ("running", 2, "elsewhere/0/1/1.1")

    def test_finishing_twice_counts_once(self, network, queue_images):
        queue_images(3)
        answers = judge(start_work())
        assert [finish_batch(answers), finish_batch(answers)] == [3, 0]
        assert events("prediction.succeeded").count() == 3

    def test_cancelled_while_running(self, network, queue_images):
        one, other = queue_images(2)
        case = one.image.submission
        actor = MembershipFactory(clinic=case.clinic).user
        work = start_work()
        cancel_submission(actor=actor, submission=case)
        assert finish_batch(judge(work)) == 0
        for row in (one, other):
            row.refresh_from_db()
            assert (row.state, row.outcome) == ("cancelled", "")

    def test_part_of_a_batch_may_be_late(self, network, queue_images):
        queue_images(1)
        queue_images(2)
        work = start_work()
        case = work.rows[0].image.submission
        cancel_submission(actor=MembershipFactory(clinic=case.clinic).user, submission=case)
        expected = 3 - case.images.count()
        assert finish_batch(judge(work)) == expected
        assert events("prediction.succeeded").count() == expected


class TestBatchAhead:
    """Claimed while the one before is judged, so its lease runs while it waits."""

    @pytest.fixture(autouse=True)
    def small_batches(self, queue_images, settings):
        settings.DERMAPORT_BATCH_SIZE = 2
        queue_images(4)

    def test_its_lease_begins_with_its_turn(self, network, monkeypatch):
        leases = []
        real = network.predict

        def notice(version, images):
            leases.append(
                set(Prediction.objects.filter(state="running").values_list("lease_until", flat=True))
            )
            return real(version, images)

        monkeypatch.setattr(serving, "predict", notice)
        assert run_queued(budget_seconds=60) == 4
        assert max(leases[1]) > max(leases[0])

    def test_lost_meanwhile_is_not_judged(self, network, monkeypatch):
        real = network.predict

        def lose_the_next(version, images):
            ahead = Prediction.objects.filter(state="running").order_by("-queued_at", "-id")[:2]
            prediction_claims.give_back(
                Prediction.objects.filter(pk__in=[row.pk for row in ahead]), reason="its lease ran out"
            )
            Prediction.objects.filter(state="queued").update(queued_at=timezone.now() + dt.timedelta(hours=1))
            assert len(claim_batch(worker="elsewhere/0/1/1.1", limit=1)) == 1
            assert len(claim_batch(worker="elsewhere/0/1/1.1", limit=1)) == 1
            return real(version, images)

        monkeypatch.setattr(serving, "predict", lose_the_next)
        assert run_queued(budget_seconds=60) == 2
        assert network.batches == [2]


def test_shadow_follows_and_never_shows(network, queue_images):
    (served,) = queue_images(1)
    shadow = Prediction.objects.create(
        image=served.image,
        model_version=ModelVersionFactory(shadow=True),
        is_shadow=True,
        queued_at=served.queued_at - dt.timedelta(hours=1),
    )
    assert run_queued(budget_seconds=60) == 2
    shadow.refresh_from_db()
    served.refresh_from_db()
    assert served.finished_at < shadow.finished_at
    assert list(Prediction.objects.served()) == [served]


def test_other_processes_claims_are_left_alone(network, queue_images):
    queue_images(1)
    claim_batch(worker="elsewhere/0/1/1.1", limit=1)
    prediction_claims.give_back_own("nothing")
    assert Prediction.objects.get().state == PredictionState.RUNNING
