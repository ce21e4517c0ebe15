"""The network's input: from a picture file's bytes to pixels, one way for training, worker and evaluation."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.imaging.decoding import decode_image, to_array

SCALINGS = ("unit", "raw", "signed", "caffe", "torch")
# ImageNet's, in the order RGB.
_CAFFE_MEAN = (123.68, 116.779, 103.939)
_TORCH_MEAN = (0.485, 0.456, 0.406)
_TORCH_DEVIATION = (0.229, 0.224, 0.225)


def build_input(data: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Decode `data` and return uint8 RGB pixels of shape (height, width, 3).

    `size` is the network's (height, width). Raises `ml.imaging.errors.UndecodableImageError`.
    """
    return to_array(decode_image(data), size)


def scale_pixels(pixels: NDArray[np.uint8], scaling: str) -> NDArray[np.float32]:
    """Return RGB `pixels`, uint8 (…, 3), as float32 in the range that `scaling` names.

    `unit`: [0, 1]; `signed`: [-1, 1], Keras's convention "tf"; `raw`: [0, 255]; `caffe`: [0, 255] less
    ImageNet's mean colour; `torch`: [0, 1] less that mean, by its standard deviation. The last two are
    `keras.applications.imagenet_utils.preprocess_input`, but still in the order RGB. Raises ValueError
    for another name.
    """
    values = pixels.astype(np.float32)
    if scaling == "unit":
        values /= np.float32(255)
    elif scaling == "signed":
        values /= np.float32(127.5)
        values -= np.float32(1)
    elif scaling == "caffe":
        values -= np.array(_CAFFE_MEAN, np.float32)
    elif scaling == "torch":
        values /= np.float32(255)
        values -= np.array(_TORCH_MEAN, np.float32)
        values /= np.array(_TORCH_DEVIATION, np.float32)
    elif scaling != "raw":
        raise ValueError(f"Expected the scaling {', '.join(SCALINGS)}, received {scaling!r}.")
    return values


def encode_again(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return `pixels`, uint8 RGB (height, width, 3), after one JPEG encoding of `quality` 1 to 95."""
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="JPEG", quality=quality)
    return np.asarray(Image.open(stream).convert("RGB"))
