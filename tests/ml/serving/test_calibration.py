import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from ml.serving.calibration import Calibration, CalibrationError, fit_platt

probabilities = st.floats(0, 1)


def sample(n=2000, seed=0):
    generator = np.random.default_rng(seed)
    y = generator.random(n) < 0.4
    z = generator.normal(size=n) * 2 + np.where(y, 1.5, -1.5)
    return 1 / (1 + np.exp(-3 * z)), y


@given(st.lists(probabilities, max_size=20))
def test_identity_leaves_probabilities_alone(values):
    assert Calibration().apply(values).tolist() == values


@given(probabilities, probabilities, st.floats(0.01, 10), st.floats(-5, 5))
def test_platt_keeps_the_order_and_the_range(p, q, a, b):
    low, high = sorted((p, q))
    first, second = Calibration("platt", a, b).apply([low, high])
    assert 0 <= first <= second <= 1


def test_fit_agrees_with_logistic_regression():
    p, y = sample()
    fitted = fit_platt(p, y)
    logit = np.log(p / (1 - p))[:, None]
    reference = LogisticRegression(C=np.inf).fit(logit, y)
    assert fitted.a == pytest.approx(reference.coef_[0, 0], rel=0.02)
    assert fitted.b == pytest.approx(reference.intercept_[0], abs=0.02)


def test_fit_makes_an_overconfident_network_honest():
    p, y = sample()
    calibrated = fit_platt(p, y).apply(p)
    assert calibrated.mean() == pytest.approx(y.mean(), abs=0.005)
    sure = calibrated > 0.9
    assert y[sure].mean() == pytest.approx(calibrated[sure].mean(), abs=0.04)


def test_a_perfectly_separated_sample_gives_a_finite_slope():
    fitted = fit_platt([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
    assert 0 < fitted.a < 10


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], [0, 1]])
def test_fit_needs_both_classes_and_one_label_each(labels):
    with pytest.raises(CalibrationError, match="labels of both classes"):
        fit_platt([0.1, 0.5, 0.9], labels)


def test_a_network_that_ranks_the_wrong_way_round_is_refused():
    with pytest.raises(CalibrationError, match="'a' above 0"):
        fit_platt([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1])


@pytest.mark.parametrize("values", [[1.1], [-0.1], [float("nan")]])
def test_only_probabilities_are_calibrated(values):
    for calibration in (Calibration(), Calibration("platt", 1.0, 0.0)):
        with pytest.raises(CalibrationError, match=r"in \[0, 1\]"):
            calibration.apply(values)


@pytest.mark.parametrize("data", [{"method": "identity"}, {"method": "platt", "a": 2.0, "b": -1.0}])
def test_round_trip(data):
    assert Calibration.from_dict(data).to_dict() == data


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"method": "beta"}, "identity, platt, received 'beta'"),
        ([], "received None"),
        ({"method": "platt", "a": 1.0}, "the field 'b', received none"),
        ({"method": "platt", "a": 1.0, "b": float("inf")}, "finite number in 'b', received inf"),
        ({"method": "platt", "a": True, "b": 0}, "finite number in 'a', received True"),
        ({"method": "platt", "a": 0, "b": 0}, "'a' above 0"),
        ({"method": "identity", "a": 1}, "received 'a'"),
    ],
)
def test_malformed_calibrations_say_what_was_expected(data, sentence):
    with pytest.raises(CalibrationError, match=sentence):
        Calibration.from_dict(data)
