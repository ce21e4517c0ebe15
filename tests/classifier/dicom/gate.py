"""The gate that a DICOM file passes or not, with limits low enough for small pictures."""

from io import BytesIO

import pydicom
import pytest

from classifier.domain.limits import UploadLimits
from classifier.intake import RejectedImageError, inspect_image
from tests.classifier.intake.samples import draw_picture

NAME = "Quackenbush"
"""The patient of every file that is built here."""
LIMITS = UploadLimits(min_side=8)
PICTURE = draw_picture(61, 48)


def refuse(data, limits=LIMITS):
    """The refusal of a file; it names nobody."""
    with pytest.raises(RejectedImageError) as caught:
        inspect_image(data, "photo.dcm", limits)
    error = caught.value
    assert error.message.endswith(".")
    assert NAME not in error.message
    return error


def take(data, filename="photo.dcm"):
    return inspect_image(data, filename, LIMITS)


def read(image):
    """What was sealed, as pydicom reads it."""
    return pydicom.dcmread(BytesIO(image.data))
