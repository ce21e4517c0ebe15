"""The predictive value at a clinic's prevalence: Bayes by hand, ranges, and what older specifications tell."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.serving.calibration import CalibrationError
from ml.serving.prevalence import (
    PredictiveValue,
    find_prevalence,
    measure_predictive_value,
    shift_prevalence,
)
from ml.serving.specification import ModelSpecification
from tests.ml.conftest import WEIGHTS

SHARES = st.floats(0.01, 0.99)


@pytest.mark.parametrize(
    ("p", "fitted_at", "prevalence", "expected"),
    [
        # 90 of 100 malignant and 10 of 100 benign look so (likelihood ratio 9): of 1,000 lesions with
        # 30 malignant, 27 and 97 do.
        (0.9, 0.5, 0.03, 27 / 124),
        # 1.1.0's "64 in 100", fitted where 42.8 of 100 are malignant.
        (0.64, 1491 / 3484, 0.03, 0.0685),
        (0.64, 1491 / 3484, 0.15, 0.2955),
        # Where it was fitted it stays.
        (0.64, 0.43, 0.43, 0.64),
        # Nothing was seen that would tell them apart: the prevalence itself.
        (0.43, 0.43, 0.03, 0.03),
    ],
)
def test_prior_shift(p, fitted_at, prevalence, expected):
    assert shift_prevalence(p, fitted_at=fitted_at, prevalence=prevalence) == pytest.approx(
        expected, abs=2e-4
    )


def test_prior_shift_counts_what_would_be_found():
    """Draw the clinic itself: lesions of both classes, and how many with such a figure are malignant."""
    generator = np.random.default_rng(0)
    malignant = generator.random(400_000) < 0.03
    score = generator.normal(np.where(malignant, 1.0, -1.0))
    fitted_at, shown = 0.4, (score > 0.45) & (score < 0.55)
    p = 1 / (1 + np.exp(-(2 * 0.5 + np.log(0.4 / 0.6))))
    expected = shift_prevalence(float(p), fitted_at=fitted_at, prevalence=0.03)
    assert malignant[shown].mean() == pytest.approx(expected, abs=0.01)


@given(SHARES, SHARES, SHARES, SHARES)
def test_prior_shift_keeps_the_order_and_goes_back(p, q, fitted_at, prevalence):
    low, high = sorted((p, q))
    there = [shift_prevalence(one, fitted_at=fitted_at, prevalence=prevalence) for one in (low, high)]
    assert there[0] <= there[1]
    back = shift_prevalence(there[0], fitted_at=prevalence, prevalence=fitted_at)
    assert back == pytest.approx(low, abs=1e-6)


@pytest.mark.parametrize("prevalence", [0.0, 1.0, float("nan")])
def test_a_prevalence_that_leaves_no_doubt_is_refused(prevalence):
    with pytest.raises(CalibrationError, match="between 0 and 1, received"):
        shift_prevalence(0.5, fitted_at=0.4, prevalence=prevalence)


@pytest.fixture
def build(specification_data):
    return lambda **changes: ModelSpecification.from_dict(specification_data | changes)


PLATT = {"method": "platt", "a": 1.0, "b": 0.0}


def test_the_range_is_that_of_the_sources_and_of_all(build):
    sources = [
        {"source": "good", "a": 1.0, "b": 0.0, "prevalence": 0.2},
        {"source": "blind", "a": 0.0, "b": float(np.log(0.3 / 0.7)), "prevalence": 0.3},
    ]
    specification = build(calibration=PLATT | {"prevalence": 0.5, "sources": sources})
    found = measure_predictive_value(specification, 0.9, 0.03)
    good = shift_prevalence(0.9, fitted_at=0.2, prevalence=0.03)
    assert dataclasses.astuple(found) == pytest.approx((27 / 124, 0.03, good), abs=1e-4)
    without = build(calibration=PLATT | {"prevalence": 0.5})
    assert measure_predictive_value(without, 0.9, 0.03) == PredictiveValue(found.value)


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"out_of_fold": {"images": 10, "malignant": 4}, "validation": {"images": 10, "malignant": 5}}, 0.4),
        ({"validation": {"images": 10, "malignant": 5}, "test": {"images": 10, "malignant": 1}}, 0.5),
        ({"test": {"images": 10, "malignant": 1}}, None),
        ({"validation": {"images": 10, "malignant": 10}}, None),
        ({"validation": {"images": "10", "malignant": 5}}, None),
        ({"validation": 0.5}, None),
    ],
)
def test_an_older_specification_tells_by_what_it_was_fitted_on(build, metrics, expected):
    assert find_prevalence(build(calibration=PLATT, metrics=metrics)) == expected
    # What a calibration says itself goes first, and one that was never fitted says nothing.
    assert find_prevalence(build(calibration=PLATT | {"prevalence": 0.25}, metrics=metrics)) == 0.25
    uncalibrated = build(metrics=metrics, calibration={"method": "identity"})
    assert find_prevalence(uncalibrated) is None
    assert measure_predictive_value(uncalibrated, 0.9, 0.03) is None


def test_shipped_networks_tell_at_which_prevalence_they_were_calibrated():
    for path in sorted(WEIGHTS.glob("*.json")):
        assert 0.2 < (find_prevalence(ModelSpecification.load(path)) or 0) < 0.6, path.name
