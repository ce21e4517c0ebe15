import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.serving.calibration import Calibration, CalibrationError

probabilities = st.floats(0, 1)


@given(st.lists(probabilities, max_size=20))
def test_identity_leaves_probabilities_alone(values):
    assert Calibration().apply(values).tolist() == values


@given(probabilities, probabilities, st.floats(0.01, 10), st.floats(-5, 5))
def test_platt_keeps_the_order_and_the_range(p, q, a, b):
    low, high = sorted((p, q))
    first, second = Calibration("platt", a, b).apply([low, high])
    assert 0 <= first <= second <= 1


@pytest.mark.parametrize("values", [[1.1], [-0.1], [float("nan")]])
def test_only_probabilities_are_calibrated(values):
    for calibration in (Calibration(), Calibration("platt", 1.0, 0.0)):
        with pytest.raises(CalibrationError, match=r"in \[0, 1\]"):
            calibration.apply(values)


PLATT = {"method": "platt", "a": 2.0, "b": -1.0}
SOURCE = {"source": "msk", "a": 0.0, "b": -1.0, "prevalence": 0.25}


@pytest.mark.parametrize(
    "data",
    [{"method": "identity"}, PLATT, PLATT | {"prevalence": 0.4, "sources": [SOURCE]}],
)
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
        ({"method": "identity", "prevalence": 0.5}, "received 'prevalence'"),
        (PLATT | {"prevalence": 1.0}, "'prevalence' between 0 and 1, received 1"),
        (PLATT | {"sources": {"msk": SOURCE}}, "a list of objects in 'sources', received"),
        (PLATT | {"sources": [SOURCE | {"a": -0.1}]}, "sources: expected 'a' of at least 0, received -0.1"),
        (PLATT | {"sources": [SOURCE | {"prevalence": 0}]}, "'prevalence' between 0 and 1, received 0"),
        (PLATT | {"sources": [{"source": "msk"}]}, "received none"),
        (PLATT | {"sources": [SOURCE, SOURCE]}, "each source once"),
    ],
)
def test_malformed_calibrations_say_what_was_expected(data, sentence):
    with pytest.raises(CalibrationError, match=sentence):
        Calibration.from_dict(data)
