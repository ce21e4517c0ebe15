"""Prevalence shift: what a figure is worth where malignant lesions are as common as in a clinic.

A calibrated P(malignant) holds where as many are malignant as among the images that it was calibrated on. By Bayes'
rule its odds over theirs are the likelihood ratio of what the network saw, which takes the odds before the test to
those after it; only the prevalence differs (prior shift: Saerens, Latinne and Decaestecker 2002, "Adjusting the
outputs of a classifier to new a priori probabilities", Neural Computation 14, equation 2.4).
"""

from dataclasses import dataclass

import numpy as np

from ml.serving.calibration import Calibration, CalibrationError, logit, sigmoid
from ml.serving.specification import ModelSpecification

__all__ = ["PredictiveValue", "find_prevalence", "measure_predictive_value", "shift_prevalence"]


@dataclass(frozen=True, slots=True)
class PredictiveValue:
    """The share of lesions with such a figure that are malignant at a prevalence, all in [0, 1].

    `low` and `high`: the range over the sources left out in turn, `value` within; None where none are told.
    """

    value: float
    low: float | None = None
    high: float | None = None


def shift_prevalence(p: float, *, fitted_at: float, prevalence: float) -> float:
    """Return P(malignant), in (0, 1), at `prevalence` of a calibrated `p` in [0, 1], fitted where it was `fitted_at`.

    Both prevalences in (0, 1); raises CalibrationError otherwise.
    """
    for share in (fitted_at, prevalence):
        if not 0.0 < share < 1.0:
            raise CalibrationError(f"Prevalence: expected a share between 0 and 1, received {share}.")
    odds = _log_odds(p) - _log_odds(fitted_at) + _log_odds(prevalence)
    return float(sigmoid(np.array(odds)))


def find_prevalence(specification: ModelSpecification) -> float | None:
    """Return the share of malignant among the images that the calibration was fitted on, None where it isn't told.

    Calibrations written before they told it were fitted on all out-of-fold images where the figures have them, else on
    the validation images (`ml.training.release.finish_specification`), whose counts stand among the figures.
    """
    calibration = Calibration.from_dict(specification.calibration)
    if calibration.prevalence is not None or calibration.method != "platt":
        return calibration.prevalence
    metrics = specification.metrics
    part = metrics.get("out_of_fold", metrics.get("validation"))
    if not isinstance(part, dict):
        return None
    malignant, images = part.get("malignant"), part.get("images")
    if not isinstance(malignant, int) or not isinstance(images, int) or not 0 < malignant < images:
        return None
    return malignant / images


def measure_predictive_value(
    specification: ModelSpecification, raw: float, prevalence: float
) -> PredictiveValue | None:
    """Return what the network's own figure `raw`, in [0, 1], is worth at `prevalence`, in (0, 1).

    None where the specification doesn't tell at which prevalence it was calibrated: a network whose figure is known
    to be nothing but an order. The range is that of each left-out source's own calibration, and of the common one.
    Raises CalibrationError outside these limits.
    """
    fitted_at = find_prevalence(specification)
    if fitted_at is None:
        return None
    calibration = Calibration.from_dict(specification.calibration)
    value = shift_prevalence(float(calibration.apply([raw])[0]), fitted_at=fitted_at, prevalence=prevalence)
    if not calibration.sources:
        return PredictiveValue(value)
    log_odds = float(logit(np.array([raw]))[0])
    found = [value]
    for one in calibration.sources:
        p = float(sigmoid(np.array(one.a * log_odds + one.b)))
        found.append(shift_prevalence(p, fitted_at=one.prevalence, prevalence=prevalence))
    return PredictiveValue(value, min(found), max(found))


def _log_odds(p: float) -> float:
    return float(logit(np.array([p]))[0])
