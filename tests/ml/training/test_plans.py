import json

import pytest

from ml.training.backbones import BACKBONES
from ml.training.plans import FINE_TUNING, PlanError, TrainingPlan, default_plan


def test_the_defaults_are_the_papers():
    plan = default_plan("paper-cnn-1")
    assert (plan.optimizer, plan.batch_size, plan.epochs) == ("adam", 32, 10)
    assert (plan.augmentation, plan.input_size, plan.averaging) == ("none", 224, 0.0)


def test_a_backbone_is_fine_tuned_at_its_own_size_and_the_default_at_a_larger_one():
    for name, backbone in BACKBONES.items():
        plan = default_plan(name)
        assert plan.architecture == name
        assert plan.input_size == (288 if name == FINE_TUNING.architecture else backbone.input_size)
        assert plan.size_in(plan.epochs) == plan.input_size
        assert plan.size_in(1) < plan.input_size


def test_the_size_of_an_epoch_is_its_own_or_the_last():
    plan = TrainingPlan(training_sizes=(96, 128))
    assert [plan.size_in(epoch) for epoch in (1, 2, 3)] == [96, 128, 128]
    assert TrainingPlan(input_size=64).size_in(5) == 64


def test_a_plan_survives_json():
    read = json.loads(json.dumps(FINE_TUNING.to_dict()))
    read["training_sizes"] = tuple(read["training_sizes"])
    assert TrainingPlan(**read) == FINE_TUNING


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"augmentation": "magic"}, "augmentation among .* received 'magic'"),
        ({"optimizer": "sgd"}, "optimizer among adam, adamw, received 'sgd'"),
        ({"schedule": "step"}, "schedule among constant, cosine, received 'step'"),
        ({"epochs": 0}, "at least 1"),
        ({"averaging": 1.0}, "from 0 to below 1"),
        ({"label_smoothing": -0.1}, "from 0 to below 1"),
    ],
)
def test_an_impossible_plan_is_refused(values, sentence):
    with pytest.raises(PlanError, match=sentence):
        TrainingPlan(**values)
