"""The gates before the network: one verdict an image, kept with it; a refusal is a `refer` without a figure."""

import pytest

from classifier.claims.engine import OutageError
from classifier.engine import serving
from classifier.engine.queue import queue_predictions
from classifier.engine.run import finish_batch, judge, run_queued
from classifier.models import Prediction, SubmissionImage
from portal.trust.audit.models import AuditEvent
from tests.classifier.engine.test_finishing import start_work
from tests.factories import (
    ModelVersionFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    active_model,
    refused_image,
)

pytestmark = pytest.mark.django_db
GOOD, POOR = 256, 224


@pytest.fixture
def two_images(gates):
    """A sharp and a blurred image of one case, of which the gates refuse the second."""
    gates.refused.add(POOR)
    case = SubmissionFactory()
    active_model()
    images = [
        SubmissionImageFactory(submission=case, with_files=True, with_files__seed=size, with_files__size=size)
        for size in (GOOD, POOR)
    ]
    queue_predictions(images=images)
    return images


def test_refused_image_is_referred_without_a_figure(two_images, network, gates):
    good, poor = two_images
    assert run_queued(budget_seconds=60) == 2
    assert (network.batches, gates.calls) == ([1], [2])
    judged, refused = good.predictions.get(), poor.predictions.get()
    assert (judged.state, judged.outcome, judged.refusal_code) == ("succeeded", "benign", "")
    assert (refused.state, refused.outcome, refused.refusal_code) == ("succeeded", "refer", "blurred")
    assert refused.probability is refused.calibrated_probability is refused.threshold_policy is None
    assert set(refused.timings) == {"decode_ms", "gate_ms"}
    codes = {
        e.object_id: e.details.get("code")
        for e in AuditEvent.objects.filter(action__startswith="prediction.")
    }
    assert AuditEvent.objects.get(action="prediction.refused").object_id == str(refused.pk)
    assert codes == {str(judged.pk): None, str(refused.pk): "blurred"}


def test_figures_are_kept_with_every_image(two_images, network):
    run_queued(budget_seconds=60)
    good, poor = (SubmissionImage.objects.get(pk=image.pk) for image in two_images)
    assert (good.gate_version, good.gate_figures["sharpness"], good.gate_refusals) == ("fake-1", 20.0, [])
    assert [one["code"] for one in poor.gate_refusals] == ["blurred", "too_dark"]
    assert good.gated_at == poor.gated_at is not None


def test_one_verdict_serves_every_version(two_images, network, gates):
    ModelVersionFactory(shadow=True)
    queue_predictions(images=two_images)  # what the shadow lacks
    assert run_queued(budget_seconds=60) == 4
    assert gates.calls == [2]
    assert network.batches == [1, 1]
    shadow = Prediction.objects.get(image=two_images[1], is_shadow=True)
    assert (shadow.outcome, shadow.refusal_code, shadow.probability) == ("refer", "blurred", None)


def test_verdict_stands_when_the_gates_change(network, gates):
    """A later version of the gates doesn't judge again what an earlier one let pass or refused."""
    image = refused_image(with_files=False)
    case = SubmissionFactory()
    fresh = SubmissionImageFactory(submission=case, with_files=True)
    SubmissionImage.objects.filter(pk=fresh.pk).update(
        gate_version="older", gated_at=fresh.created_at, gate_refusals=image.gate_refusals
    )
    active_model()
    queue_predictions(images=[fresh])
    assert run_queued(budget_seconds=60) == 1
    assert gates.calls == []
    assert fresh.predictions.get().refusal_code == "blurred"


def test_answer_by_overtaken_gates_is_not_written(two_images, network, gates):
    """Two workers with different gates judge one image: one verdict counts, for both."""
    good = two_images[0]
    answers = judge(start_work())
    SubmissionImage.objects.filter(pk=good.pk).update(
        gate_version="other",
        gated_at=good.created_at,
        gate_refusals=[{"code": "too_dark", "message": "Dark."}],
    )
    assert finish_batch(answers) == 1
    row = good.predictions.get()
    assert (row.state, row.attempt) == ("queued", 0)
    assert run_queued(budget_seconds=60) == 1
    row.refresh_from_db()
    assert (row.outcome, row.refusal_code) == ("refer", "too_dark")


def test_without_gates_every_image_is_judged(two_images, network, gates, settings):
    settings.DERMAPORT_GATES = False
    assert run_queued(budget_seconds=60) == 2
    assert (network.batches, gates.calls) == ([2], [])
    assert not SubmissionImage.objects.exclude(gated_at=None).exists()


def test_gates_that_do_not_load_are_an_outage(two_images, network, gates):
    """No image passes unseen: the rows wait with all their attempts."""
    gates.load_error = OSError("no such file")
    for _ in range(5):
        with pytest.raises(OutageError):
            run_queued(budget_seconds=60)
    assert set(Prediction.objects.values_list("state", "attempt")) == {("queued", 0)}
    gates.load_error = None
    assert run_queued(budget_seconds=60) == 2


def test_sentences_are_kept_as_they_were_said(monkeypatch):
    from ml.gates.specification import RULES
    from ml.gates.verdict import GateVerdict
    from ml.serving import gating

    at_their_limits = {name: 0.0 for _, measure, limit in RULES for name in (measure, limit)}

    class OneVerdict:
        def decide(self, looks):
            figures = {**at_their_limits, "short_side": 200.0, "short_side_least": 224.0}
            return [GateVerdict.of("gates-1", figures) for _ in looks]

    monkeypatch.setattr(gating, "load_gates", OneVerdict)
    (verdict,) = serving.assess([None])
    assert verdict.refusals[0]["code"] == "too_small"
    assert "200 pixels on its short side; the model needs at least 224" in verdict.refusals[0]["message"]
