"""Platt calibration and the conformal refer band, fitted and held against what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.serving.calibration import CalibrationError
from ml.serving.policy import PolicyError
from ml.training.fitting import LeftOut, fit_left_out, fit_platt, fit_policy, fit_sources
from ml.training.left_out_sources import check_promises


def sample(n=2000, seed=0):
    generator = np.random.default_rng(seed)
    y = generator.random(n) < 0.4
    z = generator.normal(size=n) * 2 + np.where(y, 1.5, -1.5)
    return 1 / (1 + np.exp(-3 * z)), y


def test_fit_agrees_with_logistic_regression():
    # Every process of a run reads this file, and one needs what takes a second to load.
    from sklearn.linear_model import LogisticRegression

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
def test_platt_needs_both_classes_and_one_label_each(labels):
    with pytest.raises(CalibrationError, match="labels of both classes"):
        fit_platt([0.1, 0.5, 0.9], labels)


def test_a_network_that_ranks_the_wrong_way_round_is_refused():
    with pytest.raises(CalibrationError, match="'a' above 0"):
        fit_platt([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1])


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


def draw_sources(seed=0, *, far=False):
    """Three sources, of which the network ranks one badly; there, images are far where it is wrong."""
    generator = np.random.default_rng(seed)
    parts = []
    for name, strength in (("near", 2.5), ("middle", 1.5), ("strange", 0.6)):
        y = generator.random(1500) < 0.3
        z = generator.normal(size=1500) + np.where(y, strength, -strength)
        distance = np.abs(generator.normal(1, 0.1, 1500))
        wrong = y & (z < 0)
        distance[wrong & (name == "strange")] += 2.0
        parts.append((1 / (1 + np.exp(-z)), y, np.array([name] * 1500), distance))
    p, y, names, distances = (np.concatenate(each) for each in zip(*parts, strict=True))
    return LeftOut(p, y, names, distances if far else None)


def test_the_policy_of_left_out_sources_keeps_its_promise_in_each():
    images = draw_sources()
    calibration, policy = fit_left_out(images, version="v")
    p = calibration.apply(images.p)
    for name in ("near", "middle", "strange"):
        missed = p[(images.sources == name) & images.y] < policy.refer_low
        assert missed.mean() <= 0.05
    assert policy.distance_most is None


def test_a_limit_of_the_distance_is_taken_where_it_leaves_more_answered():
    with_distance, without = draw_sources(far=True), draw_sources()
    policies = [fit_left_out(images, version="v")[1] for images in (with_distance, without)]
    assert policies[0].distance_most is not None
    assert policies[0].refer_low > policies[1].refer_low


def test_promises_are_checked_on_a_source_that_had_no_part_in_them():
    found = check_promises(draw_sources())
    assert set(found) == {"near", "middle", "strange"}
    # Fitted on the two that it ranks well, the promise breaks on the third: what the check is for.
    assert found["strange"]["missed"] > 0.05 > found["near"]["missed"]
    assert all(
        0 <= each[key] <= 1 for each in found.values() for key in ("answered", "ece", "alarmed", "far")
    )


def test_weights_move_the_fit_towards_the_images_that_count_more():
    p, y = sample()
    weights = np.where(np.asarray(y), 3.0, 1.0)
    assert fit_platt(p, y, weights).b > fit_platt(p, y).b
    assert fit_platt(p, y, np.full(len(p), 2.0)).b == pytest.approx(fit_platt(p, y).b)


def test_a_calibration_tells_at_which_prevalence_it_was_fitted():
    p, y = sample()
    assert fit_platt(p, y).prevalence == pytest.approx(y.mean())
    weights = np.where(y, 3.0, 1.0)
    assert fit_platt(p, y, weights).prevalence == pytest.approx(np.average(y, weights=weights))


GOLDEN = {
    "middle": (3.0498, -0.8919, 0.298),
    "near": (3.8150, -0.5657, 0.2887),
    "strange": (1.1837, -0.8647, 0.2947),
}


def test_each_left_out_source_has_a_calibration_of_its_own():
    """Golden: of three drawn sources, one badly ranked."""
    images = draw_sources()
    calibration, _ = fit_left_out(images, version="v")
    found = {one.source: (one.a, one.b, one.prevalence) for one in calibration.sources}
    assert found == {name: pytest.approx(values, abs=5e-4) for name, values in GOLDEN.items()}
    assert calibration.prevalence == pytest.approx(images.y.mean())
    for name in GOLDEN:
        own = images.keep(images.sources == name)
        alone = fit_platt(own.p, own.y)
        assert (alone.a, alone.b, alone.prevalence) == found[name]


def test_a_source_of_few_images_or_of_the_wrong_order_is_no_calibration():
    images = draw_sources()
    few = images.sources == "near"
    few[np.flatnonzero(few & images.y)[19:]] = False
    turned = LeftOut(np.where(images.sources == "middle", 1 - images.p, images.p), images.y, images.sources)
    kept = turned.keep(few | (images.sources != "near"))
    middle, strange = fit_sources(kept)
    assert (middle.source, middle.a, strange.source) == ("middle", 0.0, "strange")
    assert 1 / (1 + np.exp(-middle.b)) == pytest.approx(middle.prevalence)
