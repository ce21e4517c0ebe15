"""Changes of a training image that leave its diagnosis alone."""

import numpy as np
from numpy.typing import NDArray

AUGMENTATIONS = ("none", "flips", "dihedral")


def augment_batch(pixels: NDArray[np.uint8], kind: str, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return a copy of `pixels`, uint8 (n, side, side, 3), each image changed at random.

    `flips`: left-right and up-down, each with probability 1/2. `dihedral`: also a transposition,
    so all eight symmetries of the square; a lesion has no upright. `none` returns `pixels`.
    Raises ValueError for another kind.
    """
    if kind not in AUGMENTATIONS:
        raise ValueError(f"Expected an augmentation among {', '.join(AUGMENTATIONS)}, received {kind!r}.")
    if kind == "none":
        return pixels
    changes = generator.integers(0, 2, size=(len(pixels), 3), dtype=np.int8)
    result = np.empty_like(pixels)
    for index, (mirror, upend, transpose) in enumerate(changes):
        image = pixels[index]
        if mirror:
            image = image[:, ::-1]
        if upend:
            image = image[::-1]
        if transpose and kind == "dihedral":
            image = image.swapaxes(0, 1)
        result[index] = image
    return result
