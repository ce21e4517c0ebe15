"""Every accepted way of storing a picture gives the pixels that went in."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from ml.imaging.decoding import decode_image, read_header
from ml.imaging.errors import UndecodableImageError
from tests.classifier.dicom.gate import PICTURE
from tests.classifier.dicom.pictures import PIXELS, differ, store
from tests.classifier.dicom.samples import SYNTAXES, build_dicom, describe, write
from tests.classifier.intake.samples import encode


@pytest.mark.parametrize("name", ["explicit", "implicit", "rle", "jpeg2000"])
def test_what_loses_nothing(name):
    data = build_dicom(PICTURE, SYNTAXES[name])
    header = read_header(data)
    assert (header.format, header.width, header.height, header.frames) == ("DICOM", 61, 48, 1)
    assert differ(data, PIXELS) == 0
    assert decode_image(data).info == {}


def test_jpeg_gives_what_its_decoder_gives():
    frame = Image.open(BytesIO(encode(PICTURE, "JPEG", quality=95)))
    assert differ(build_dicom(PICTURE, JPEGBaseline8Bit), frame) == 0


@pytest.mark.parametrize("pieces", [1, 4])
def test_fragments_of_one_frame_are_joined(pieces):
    dataset = describe(PICTURE, JPEGBaseline8Bit)
    frame = encode(PICTURE, "JPEG", quality=95)
    dataset.PixelData = encapsulate([frame], fragments_per_frame=pieces)
    assert differ(write(dataset), Image.open(BytesIO(frame))) == 0


def test_planes_one_after_another():
    planes = np.ascontiguousarray(PIXELS.transpose(2, 0, 1))
    data = write(store(PIXELS, "RGB", PlanarConfiguration=1, PixelData=planes.tobytes()))
    assert differ(data, PIXELS) == 0


def test_more_pixels_than_allowed_are_not_decoded():
    with pytest.raises(UndecodableImageError) as caught:
        decode_image(build_dicom(PICTURE), max_pixels=61 * 48 - 1)
    assert caught.value.code == "too_many_pixels"
