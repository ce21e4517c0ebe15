import numpy as np
import pytest

from ml.evaluation.metrics import MetricsError
from ml.evaluation.metrics_screening import (
    bound_predictive_values,
    measure_predictive_values,
    measure_specificity_at,
    trace_coverage,
)


def test_specificity_where_few_are_missed_by_hand():
    p = np.concatenate([np.linspace(0.5, 1, 20), [0.1, 0.2, 0.51, 0.6]])
    y = np.arange(24) < 20
    assert measure_specificity_at(p, y) == 3 / 4  # one of 20 may be missed: the cut is the second lowest
    assert measure_specificity_at(p, y, 1.0) == 2 / 4


def test_predictive_values_follow_bayes():
    ppv, npv = measure_predictive_values(0.9, 0.8, 0.02)
    assert ppv == pytest.approx(0.018 / (0.018 + 0.196))
    assert npv == pytest.approx(0.784 / (0.784 + 0.002))
    (low, high), (lowest, highest) = bound_predictive_values(90, 100, 160, 200, 0.02)
    assert low < ppv < high
    assert lowest < npv < highest
    sure = bound_predictive_values(100, 100, 200, 200, 0.02)
    assert sure[0][1] == sure[1][1] == 1.0
    assert sure[0][0] < 0.9
    with pytest.raises(MetricsError, match="0 malignant"):
        bound_predictive_values(0, 0, 1, 1, 0.02)


def test_the_surest_are_answered_first():
    coverage, error = trace_coverage([0.99, 0.55, 0.02, 0.45], [1, 0, 0, 1], 0.5)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert error.tolist() == pytest.approx([0, 0, 1 / 3, 2 / 4])
