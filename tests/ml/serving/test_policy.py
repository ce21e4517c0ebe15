import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.serving.policy import DecisionPolicy, PolicyError

probabilities = st.floats(0, 1)
policies = st.tuples(probabilities, probabilities, probabilities).map(
    lambda ends: DecisionPolicy("v", sorted(ends)[1], min(ends), max(ends))
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
    assert DecisionPolicy.from_dict(policy.to_dict()) == policy


def test_far_pictures_are_referred_whatever_their_probability():
    policy = DecisionPolicy("v", 0.5, 0.4, 0.6, distance_most=2.0)
    assert [policy.outcome(p, 2.1) for p in (0.0, 0.5, 1.0)] == ["refer"] * 3
    assert [policy.outcome(p, 2.0) for p in (0.0, 1.0)] == ["benign", "malignant"]
    assert policy.outcome(0.0) == "benign"
    assert DecisionPolicy.from_dict(policy.to_dict()) == policy
    assert "distance_most" not in DecisionPolicy("v", 0.5, 0.4, 0.6).to_dict()
    with pytest.raises(PolicyError, match="distance_most above 0, received -1"):
        DecisionPolicy("v", 0.5, 0.4, 0.6, distance_most=-1.0)


@pytest.mark.parametrize("p", [-0.001, 1.001, float("nan")])
def test_an_impossible_probability_has_no_outcome(p):
    with pytest.raises(PolicyError, match=r"in \[0, 1\]"):
        DecisionPolicy("v", 0.5, 0.4, 0.6).outcome(p)


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
        DecisionPolicy.from_dict(data)
