"""Linear probe: a weighted logistic regression on a frozen network's pooled features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.evaluation.metrics import measure_auc
from ml.serving.calibration import sigmoid


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """P(malignant) = sigmoid(features @ weights + bias): `weights` float64 (d,) of the plain features."""

    weights: NDArray[np.float64]
    bias: float

    def score(self, features: ArrayLike) -> NDArray[np.float64]:
        """Return P(malignant), float64 (n,), of `features` (n, d)."""
        return sigmoid(np.asarray(features, dtype=np.float64) @ self.weights + self.bias)


def fit_probe(
    features: NDArray[np.float16],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    *,
    penalty: float,
    nuisance: float = 0.0,
) -> LinearProbe:
    """Fit on `features` (v, n, d), v copies of n images, `labels` (n,) 0 or 1 and a weight an image (n,).

    Features are scaled to unit variance. `penalty`: of the squared weights, beside the mean loss (larger is
    smoother). `nuisance`: how much more is paid along directions in which the copies of one image differ, as a
    multiple of the variance there: what changes with the camera shall not count.
    """
    from sklearn.linear_model import LogisticRegression

    copies, count, size = features.shape
    flat = features.reshape(copies * count, size).astype(np.float32)
    mean, scale = flat.mean(axis=0), flat.std(axis=0) + 1e-3
    flat = (flat - mean) / scale
    turn = np.eye(size, dtype=np.float32)
    if nuisance and copies > 1:
        turn = _shrink_nuisance(flat.reshape(copies, count, size), nuisance)
        flat = flat @ turn
    each = np.tile(weights / weights.mean(), copies)
    model = LogisticRegression(C=1 / (penalty * each.sum()), max_iter=300, tol=1e-4)
    model.fit(flat, np.tile(labels, copies), sample_weight=each)
    # Back to the plain features: one dense layer does it all.
    plain = (turn.astype(np.float64) @ model.coef_[0].astype(np.float64)) / scale
    return LinearProbe(plain, float(model.intercept_[0] - plain @ mean))


def _shrink_nuisance(scaled: NDArray[np.float32], nuisance: float) -> NDArray[np.float32]:
    """Return (1 + nuisance · S)^(-1/2), S the covariance of the copies of an image about their mean."""
    around = (scaled - scaled.mean(axis=0)).reshape(-1, scaled.shape[2])
    values, vectors = np.linalg.eigh((around.T @ around / len(around)).astype(np.float64))
    shrunk = vectors / np.sqrt(1 + nuisance * np.maximum(values, 0))
    turn: NDArray[np.float32] = (shrunk @ vectors.T).astype(np.float32)
    return turn


def measure_signature(
    features: NDArray[np.float16],
    labels: NDArray[np.int64],
    sources: Sequence[str],
    folds: NDArray[np.int64],
    *,
    penalty: float = 1e-2,
) -> dict[str, float]:
    """Return how well a linear probe tells each source from the others within one class, AUC by name.

    `features` (n, d) of the images as they are; judged on held-out `folds` (n,). 0.5 means that nothing of
    the source is left in the features, 1 that it can be read off. A name is `source, class`.
    """
    found = {}
    names = np.array(sources)
    for label, word in ((0, "benign"), (1, "malignant")):
        for source in sorted(set(names[labels == label].tolist())):
            chosen = labels == label
            own = names[chosen] == source
            if min(own.sum(), (~own).sum()) < 20:
                continue
            score = np.empty(own.size)
            here = folds[chosen]
            for fold in np.unique(here):
                away = here != fold
                weights = np.where(own[away], 0.5 / own[away].mean(), 0.5 / (~own[away]).mean())
                probe = fit_probe(
                    features[chosen][away][None], own[away].astype(np.int64), weights, penalty=penalty
                )
                score[~away] = probe.score(features[chosen][~away])
            found[f"{source}, {word}"] = round(measure_auc(score, own), 4)
    return found
