"""Test-time augmentation: the views of one image that a network's figure may be averaged over."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

IDENTITY = "identity"

# Each changes the axes (height, width) before the channels, of one image or of a batch.
_CHANGES: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    IDENTITY: lambda images: images,
    "flip_left_right": lambda images: images[..., :, ::-1, :],
    "flip_up_down": lambda images: images[..., ::-1, :, :],
    "rotate_180": lambda images: images[..., ::-1, ::-1, :],
    "transpose": lambda images: np.swapaxes(images, -3, -2),
    "rotate_90": lambda images: np.swapaxes(images, -3, -2)[..., ::-1, :, :],
    "rotate_270": lambda images: np.swapaxes(images, -3, -2)[..., :, ::-1, :],
    "transverse": lambda images: np.swapaxes(images, -3, -2)[..., ::-1, ::-1, :],
}
_INVERSES = {"rotate_90": "rotate_270", "rotate_270": "rotate_90"}
VIEWS = tuple(_CHANGES)
# A lesion has no upright: these four keep the shape of the image, so any network takes them.
FLIPS = VIEWS[:4]
MARGIN = 1e-7


def change_view(images: NDArray[Any], view: str) -> NDArray[Any]:
    """Return `images`, (…, height, width, channels), as seen in `view`; raises KeyError."""
    return np.ascontiguousarray(_CHANGES[view](images))


def restore_view(images: NDArray[Any], view: str) -> NDArray[Any]:
    """Undo `change_view`: `restore_view(change_view(x, view), view)` equals x."""
    return change_view(images, _INVERSES.get(view, view))


def average_views(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average P(malignant) of (views, n) in [0, 1] over the views on the logit scale, to (n,).

    One view is returned as it is. A float32 sigmoid saturates: the logit is taken inside 1e-7.
    """
    if len(probabilities) == 1:
        only: NDArray[np.float64] = probabilities[0]
        return only
    inside = np.clip(probabilities, MARGIN, 1.0 - MARGIN)
    logits = (np.log(inside) - np.log1p(-inside)).mean(axis=0)
    result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-logits))
    return result
