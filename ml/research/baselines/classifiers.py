"""Classifiers of the older systems on features that are given: support vector machine and perceptron, beside a probe."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ml.serving.calibration import sigmoid
from ml.training.probes import fit_probe

COMPONENTS: Final = 50
HIDDEN: Final = (64,)
# Of the probe, as in the recipe `imagenet-probe`.
PENALTY: Final = 0.3


@dataclass(frozen=True, slots=True)
class FittedClassifier:
    """A classifier after training: `score` gives float64 (n,) in [0, 1], 0.5 its own cut, of features (n, d).

    `parameters`: how many numbers it keeps. The support vector machine's score is the sigmoid of its distance from
    the boundary: an order and a cut, no probability.
    """

    score: Callable[[NDArray[np.float32]], NDArray[np.float64]]
    parameters: int


def fit_svm(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    *,
    deep: int,
    seed: int = 0,
) -> FittedClassifier:
    """Fit a support vector machine on `features` (n, d) with labels and a weight an image, both (n,).

    The first `deep` columns are a network's: they are scaled to unit variance and reduced to 50 principal components
    (PCA), fitted on these images alone; the others follow as they are. All scaled, then a Gaussian kernel, C of 1
    and scikit-learn's width (Cortes and Vapnik 1995). Nothing is tuned.
    """
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    count = min(COMPONENTS, deep, len(features))
    first = StandardScaler().fit(features[:, :deep])
    reduced = PCA(count, svd_solver="randomized", random_state=seed).fit(first.transform(features[:, :deep]))

    def join(values: NDArray[np.float32]) -> NDArray[np.float32]:
        joined = [reduced.transform(first.transform(values[:, :deep])), values[:, deep:]]
        return np.concatenate(joined, axis=1).astype(np.float32)

    second = StandardScaler().fit(join(features))
    machine = SVC(C=1.0, kernel="rbf", gamma="scale", cache_size=500, random_state=seed)
    machine.fit(second.transform(join(features)), labels, sample_weight=weights / weights.mean())

    def score(values: NDArray[np.float32]) -> NDArray[np.float64]:
        return sigmoid(machine.decision_function(second.transform(join(values))))

    width = count + features.shape[1] - deep
    kept = (count + 2) * deep + 2 * width + len(machine.support_) * (width + 1) + 1
    return FittedClassifier(score, int(kept))


def fit_perceptron(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    *,
    seed: int = 0,
) -> FittedClassifier:
    """Fit a multilayer perceptron on `features` (n, d) with labels and a weight an image, both (n,).

    Scaled features, one hidden layer of 64 with logistic units, trained by back-propagation (Rumelhart, Hinton and
    Williams 1986) with Adam for at most 100 passes; 10 % of the images say when to stop.
    """
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features)
    enough = len(labels) >= 100
    network = MLPClassifier(
        HIDDEN,
        activation="logistic",
        alpha=1e-3,
        batch_size=min(64, len(labels)),
        learning_rate_init=3e-3,
        max_iter=100,
        early_stopping=enough,
        n_iter_no_change=10,
        random_state=seed,
    )
    with _quiet():
        network.fit(scaler.transform(features), labels, sample_weight=weights / weights.mean())

    def score(values: NDArray[np.float32]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = network.predict_proba(scaler.transform(values))[:, 1].astype(np.float64)
        return found

    kept = sum(part.size for part in (*network.coefs_, *network.intercepts_)) + 2 * features.shape[1]
    return FittedClassifier(score, int(kept))


def _quiet() -> Any:
    """Silence the warning that the passes ran out: that is the plan."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    return warnings.catch_warnings(action="ignore", category=ConvergenceWarning)


def fit_linear(
    features: NDArray[np.float32], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> FittedClassifier:
    """Fit the linear probe of `ml.training.probes` on `features` (n, d), labels and a weight an image (n,)."""
    probe = fit_probe(features[None].astype(np.float16), labels, weights, penalty=PENALTY)
    return FittedClassifier(probe.score, probe.weights.size + 1)
