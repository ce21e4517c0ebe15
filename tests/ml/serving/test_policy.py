import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.serving.policy import PolicyError, ThresholdPolicy, fit_policy

probabilities = st.floats(0, 1)
policies = st.tuples(probabilities, probabilities, probabilities).map(
    lambda ends: ThresholdPolicy("v", sorted(ends)[1], min(ends), max(ends))
)


@given(policies, probabilities)
def test_every_probability_has_exactly_one_outcome(policy, p):
    conditions = {
        "benign": p < policy.refer_low,
        "refer": policy.refer_low <= p <= policy.refer_high,
        "malignant": p > policy.refer_high,
    }
    assert [name for name, holds in conditions.items() if holds] == [policy.outcome(p)]


@given(policies)
def test_both_ends_of_the_band_and_the_threshold_are_referred(policy):
    ends = [policy.refer_low, policy.threshold, policy.refer_high]
    assert policy.outcomes(ends) == ["refer"] * 3


@given(policies)
def test_round_trip(policy):
    assert ThresholdPolicy.from_dict(policy.to_dict()) == policy


@pytest.mark.parametrize("p", [-0.001, 1.001, float("nan")])
def test_an_impossible_probability_has_no_outcome(p):
    with pytest.raises(PolicyError, match=r"in \[0, 1\]"):
        ThresholdPolicy("v", 0.5, 0.4, 0.6).outcome(p)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"threshold": 0.1}, "refer_low <= threshold"),
        ({"refer_high": 1.5}, "refer_high <= 1"),
        ({"refer_low": "low"}, "finite number in 'refer_low', received 'low'"),
        ({"version": ""}, "text in 'version'"),
        ({"extra": 1}, "received 'extra'"),
    ],
)
def test_malformed_policies_say_what_was_expected(values, sentence):
    data = {"version": "v", "threshold": 0.5, "refer_low": 0.4, "refer_high": 0.6} | values
    with pytest.raises(PolicyError, match=sentence):
        ThresholdPolicy.from_dict(data)


def overlapping(n, seed=0, distance=1.8):
    generator = np.random.default_rng(seed)
    y = generator.random(n) < 0.45
    return 1 / (1 + np.exp(-(generator.normal(size=n) + distance * y - distance / 2))), y


@given(st.integers(0, 30), st.sampled_from([0.0, 1.0, 2.0, 4.0]))
def test_the_fitted_policy_keeps_its_promises_on_what_it_was_fitted(seed, distance):
    p, y = overlapping(300, seed, distance)
    policy = fit_policy(p, y, version="v")
    assert np.mean(p[y] >= policy.threshold) >= 0.95
    assert np.mean(p[y] < policy.refer_low) <= 0.05
    assert np.mean(p[~y] > policy.refer_high) <= 0.10


def test_the_promises_hold_on_new_images_on_average():
    misses, alarms = [], []
    for seed in range(60):
        p, y = overlapping(300, seed)
        policy = fit_policy(p, y, version="v")
        new, truth = overlapping(2000, seed + 1000)
        misses.append(np.mean(new[truth] < policy.refer_low))
        alarms.append(np.mean(new[~truth] > policy.refer_high))
    assert np.mean(misses) < 0.055
    assert np.mean(alarms) < 0.105


def test_classes_that_do_not_overlap_need_no_band():
    p = np.concatenate([np.linspace(0.01, 0.2, 100), np.linspace(0.8, 0.99, 100)])
    policy = fit_policy(p, np.arange(200) >= 100, version="v")
    assert policy.refer_low == policy.refer_high == policy.threshold
    assert set(policy.outcomes(p[:90])) == {"benign"}


def test_too_few_images_to_promise_anything_refer_everything():
    policy = fit_policy([0.1, 0.9], [0, 1], version="v")
    assert (policy.refer_low, policy.refer_high) == (0.0, 1.0)


@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
def test_fit_needs_both_classes(labels):
    with pytest.raises(PolicyError, match="expected both classes"):
        fit_policy([0.1, 0.9], labels, version="v")


def test_fit_needs_a_rate():
    with pytest.raises(PolicyError, match=r"rate between 0 and 1, received 1\.0"):
        fit_policy([0.1, 0.9], [0, 1], version="v", sensitivity=1.0)
