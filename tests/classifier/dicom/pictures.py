"""What a decoded file shows, against what went into it."""

import numpy as np
from pydicom.uid import ExplicitVRLittleEndian

from ml.imaging.decoding import decode_image
from tests.classifier.dicom.gate import PICTURE
from tests.classifier.dicom.samples import describe, put_pixels

PIXELS = np.asarray(PICTURE)


def differ(data, expected):
    """The largest difference from `expected`, an array of shape (rows, columns, 3)."""
    return int(np.abs(np.asarray(decode_image(data), int) - np.asarray(expected, int)).max())


def store(samples, meaning, syntax=ExplicitVRLittleEndian, **changes):
    dataset = describe(PICTURE, syntax)
    put_pixels(dataset, samples, meaning)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset
