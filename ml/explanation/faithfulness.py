"""Faithfulness of an explanation: hide what it marks, and compare with a network that knows nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ml.explanation.hirescam import EvidenceMap

if TYPE_CHECKING:
    import keras

MARKED_SHARE = 0.2
"""Most of the picture that counts as marked: the outlined part of a drawn map."""
_WEAKEST_MARKED = 0.15
_BLUR = 4


@dataclass(frozen=True, slots=True)
class Deletion:
    """What hiding parts of one picture does to P(malignant), each in [0, 1].

    `whole`: nothing hidden. `without_marked`: the marked part blurred away. `without_others`: the
    same shape blurred away elsewhere, the mean over three places.
    """

    whole: float
    without_marked: float
    without_others: float

    @property
    def is_passed(self) -> bool:
        """Whether the marked part carried more of the answer than the others did."""
        sign = 1 if self.whole >= 0.5 else -1
        return sign * (self.without_others - self.without_marked) > 0


def find_marked(explanation: EvidenceMap, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which places speak most for the network's answer, bool (height, width).

    For an answer of malignant (logit of at least 0) the places with the most evidence for it, for
    one of benign those with the most evidence against: at most a fifth of the picture, and none
    with less than 15 % of the strongest evidence.
    """
    values = explanation.draw(size) * (1 if explanation.logit >= 0 else -1)
    limit = max(float(np.quantile(values, 1 - MARKED_SHARE)), _WEAKEST_MARKED)
    return values > limit


def check_deletion(
    predict: Callable[[Sequence[NDArray[np.uint8]]], NDArray[np.float64]],
    image: NDArray[np.uint8],
    explanation: EvidenceMap,
) -> Deletion:
    """Hide what `explanation` marks in `image`, uint8 (height, width, 3), and ask `predict` again.

    `predict` returns P(malignant), float64 (n,). What is hidden is replaced by a strong blur of
    the picture. Five images are judged.
    """
    height, width = image.shape[:2]
    marked = find_marked(explanation, (height, width))
    moves = ((height // 2, 0), (0, width // 2), (height // 2, width // 2))
    masks = [marked, *(np.roll(marked, move, axis=(0, 1)) for move in moves)]
    blurred = np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(max(height, width) / _BLUR)))
    hidden = [np.where(mask[..., None], blurred, image).astype(np.uint8) for mask in masks]
    whole, without_marked, *others = (float(value) for value in predict([image, *hidden]))
    return Deletion(whole, without_marked, float(np.mean(others)))


def redraw_weights(network: "keras.Model", seed: int) -> "keras.Model":
    """Return a network of the same architecture whose weights are drawn anew.

    The control of Adebayo 2018 (arXiv:1810.03292): a map that looks the same for it shows the
    picture's edges, not what was learned. Sets Keras's global seed.
    """
    import keras

    keras.utils.set_random_seed(seed)
    return type(network).from_config(network.get_config())


def correlate_maps(one: EvidenceMap, other: EvidenceMap) -> float:
    """Return Spearman's rank correlation of two maps' strengths, cell by cell, in [-1, 1].

    Strengths are taken without their sign: two networks of opposite opinion that look at the same
    place agree. 0 where one of the maps is flat.
    """
    ranks = [np.argsort(np.argsort(np.abs(item.cells), axis=None)) for item in (one, other)]
    if any(np.ptp(item.cells) == 0 for item in (one, other)):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
