"""A picture once through JPEG, as another archive or a sender may have saved it."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encode_again(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return `pixels`, uint8 RGB (height, width, 3), after one JPEG encoding of `quality` 1 to 95."""
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="JPEG", quality=quality)
    return np.asarray(Image.open(stream).convert("RGB"))
