import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.evaluation.metrics import (
    MetricsError,
    bootstrap,
    bound_predictive_values,
    measure_all,
    measure_auc,
    measure_ece,
    measure_predictive_values,
    measure_specificity_at,
    measure_wilson,
    trace_coverage,
)
from ml.serving.policy import DecisionPolicy


@given(st.integers(0, 1000), st.integers(2, 200), st.integers(2, 30))
def test_auc_agrees_with_scikit_learn_ties_included(seed, n, levels):
    # Every process of a run reads this file, and one needs what takes a second to load.
    from sklearn.metrics import roc_auc_score

    generator = np.random.default_rng(seed)
    y = generator.integers(0, 2, n)
    y[:2] = (0, 1)
    p = generator.integers(0, levels, n) / levels
    assert measure_auc(p, y) == pytest.approx(roc_auc_score(y, p))


def test_wilson_agrees_with_the_published_example():
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I: 81 of 263.
    assert measure_wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share(counts):
    successes, total = counts
    low, high = measure_wilson(successes, total)
    assert 0 <= low <= successes / total <= high <= 1


def test_wilson_needs_a_possible_count():
    with pytest.raises(MetricsError, match="received 3"):
        measure_wilson(3, 2)


def test_ece_is_nought_when_probabilities_are_frequencies():
    p = np.repeat([0.25, 0.75], 100)
    y = np.concatenate([np.arange(100) < 25, np.arange(100) < 75])
    assert measure_ece(p, y) == pytest.approx(0)
    assert measure_ece(np.where(y, 0.6, 0.4), ~y) == pytest.approx(0.6)


def test_bootstrap_is_the_same_each_time_and_holds_the_value():
    generator = np.random.default_rng(0)
    y = generator.random(200) < 0.5
    p = np.clip(generator.normal(0.4, 0.2, 200) + 0.2 * y, 0, 1)
    first = bootstrap(measure_auc, p, y, rounds=300)
    assert first == bootstrap(measure_auc, p, y, rounds=300)
    assert first[0] < measure_auc(p, y) < first[1]


def test_all_figures_of_a_case_counted_by_hand():
    p = [0.1, 0.2, 0.45, 0.9, 0.15, 0.5, 0.7, 0.95]
    y = [0, 0, 0, 0, 1, 1, 1, 1]
    figures = measure_all(p, y, DecisionPolicy("v", 0.4, 0.3, 0.6), rounds=50)
    values = {key: box["value"] for key, box in figures.items() if isinstance(box, dict)}
    assert (figures["images"], figures["benign"], figures["malignant"]) == (8, 4, 4)
    assert values["accuracy"] == 5 / 8
    assert values["sensitivity"] == 3 / 4
    assert values["specificity"] == 2 / 4
    assert values["coverage"] == 6 / 8
    assert values["malignant_called_benign"] == 1 / 4
    assert values["benign_called_malignant"] == 1 / 4
    assert values["decided_accuracy"] == pytest.approx(4 / 6, abs=1e-6)


def test_when_all_is_referred_nothing_is_decided():
    figures = measure_all([0.4, 0.6], [0, 1], DecisionPolicy("v", 0.5, 0.0, 1.0), rounds=10)
    assert figures["coverage"]["value"] == 0
    assert figures["decided_accuracy"] is None


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], [0]])
def test_scores_need_labels_of_both_classes(labels):
    with pytest.raises(MetricsError, match="Expected"):
        measure_auc([0.1, 0.2], labels)


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
