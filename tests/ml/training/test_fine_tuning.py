"""Fine-tuning on drawn lesions: averages, rates by layer, growing sizes, resuming."""

from dataclasses import replace

import numpy as np
import pytest

from ml.datasets.records import load_pixels, read_labels, read_records, split_validation
from ml.training.batches import LabelledPixels, count_steps, make_batches
from ml.training.plans import PlanError, TrainingPlan
from ml.training.run import train_network

PLAN = TrainingPlan(
    input_size=32,
    epochs=2,
    batch_size=8,
    learning_rate=1e-3,
    optimizer="adamw",
    schedule="cosine",
    weight_decay=0.01,
    head_rate=5.0,
    averaging=0.8,
    label_smoothing=0.05,
    augmentation="dermoscopy",
    keep_best=False,
)


@pytest.fixture(scope="module")
def parts(drawn_set):
    return [
        LabelledPixels(load_pixels(drawn_set, records, (32, 32)), read_labels(records))
        for records in split_validation(read_records(drawn_set), fraction=0.25)
    ]


def test_a_stopped_fine_tuning_ends_as_one_that_was_not(parts, tmp_path):
    whole, progress = train_network(PLAN, *parts, tmp_path / "whole")

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_network(PLAN, *parts, tmp_path / "stopped", after_epoch=interrupt)
    again, resumed = train_network(PLAN, *parts, tmp_path / "stopped")
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(one, other)
    assert resumed.history == progress.history
    assert progress.best_epoch == 2


BACKBONE = replace(
    PLAN,
    architecture="mobilenetv2-0.35",
    input_size=40,
    training_sizes=(32,),
    epochs=1,
    frozen_until="block_16_expand",
)


def test_what_is_frozen_and_every_statistic_stays(parts, tmp_path):
    import keras

    from ml.training.backbones import build_backbone

    keras.utils.set_random_seed(BACKBONE.seed)
    start = build_backbone(BACKBONE.architecture, None, None)
    few = LabelledPixels(parts[0].pixels[:8], parts[0].labels[:8])
    trained, _ = train_network(BACKBONE, few, None, tmp_path)
    assert trained.input_shape == (None, 40, 40, 3)
    changed = {
        variable.path.split("/")[-2]
        for variable, before, after in zip(
            start.weights, start.get_weights(), trained.get_weights(), strict=True
        )
        if not np.array_equal(before, after)
    }
    assert {"malignant", "Conv_1"} <= changed
    assert not any("BN" in name or name in ("Conv1", "block_15_expand") for name in changed)


def test_a_layer_that_is_not_there_is_refused(parts, tmp_path):
    plan = replace(BACKBONE, frozen_until="nowhere")
    with pytest.raises(PlanError, match="received 'nowhere'"):
        train_network(plan, parts[0], None, tmp_path)


def test_the_changes_of_an_image_depend_on_nothing_else(parts):
    plan = replace(PLAN, training_sizes=(24, 32))
    first = [pixels for pixels, _ in make_batches(plan, parts[0], 1)]
    second = [pixels for pixels, _ in make_batches(plan, parts[0], 1)]
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert len(first) == count_steps(plan, len(parts[0].labels))
    assert {pixels.shape[1:] for pixels in first} == {(24, 24, 3)}
    other = next(make_batches(plan, parts[0], 2))[0]
    assert other.shape[1:] == (32, 32, 3)
