"""Compressed pictures stay as they were, but for the words in them."""

import numpy as np
import pytest
from PIL import ImageCms
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit

from ml.imaging.decoding import decode_image
from tests.classifier.dicom.gate import NAME, PICTURE, read, take
from tests.classifier.dicom.samples import build_dicom, describe, put_pixels, write
from tests.classifier.intake.samples import encode


def test_a_jpeg_stays_as_it_was_but_for_its_words():
    frame = encode(PICTURE, "JPEG", comment=NAME, quality=95)
    dataset = describe(PICTURE, JPEGBaseline8Bit)
    dataset.PixelData = encapsulate([frame])
    sealed = read(take(write(dataset)))
    assert sealed.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    scan = frame[frame.index(b"\xff\xda") :]
    assert scan in sealed.PixelData
    # Where a profile makes the colours, they are kept and the profile is not.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    at, other = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    turned = bytearray(profile)
    turned[at : at + 4], turned[other : other + 4] = b"bXYZ", b"rXYZ"
    image = take(build_dicom(PICTURE, JPEGBaseline8Bit, ICCProfile=bytes(turned)))
    sealed = read(image)
    assert sealed.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(np.asarray(decode_image(image.data)), np.asarray(image.pixels))


def test_jpeg2000_stays_as_it_was_but_for_its_words():
    frame = encode(PICTURE, "JPEG2000", irreversible=False, mct=1, no_jp2=True, comment=NAME)
    dataset = describe(PICTURE, JPEG2000Lossless)
    dataset.PixelData = encapsulate([frame])
    sealed = read(take(write(dataset)))
    assert sealed.file_meta.TransferSyntaxUID == JPEG2000Lossless
    assert frame[frame.index(b"\xff\x90") :] in sealed.PixelData


@pytest.mark.parametrize("meaning", ["MONOCHROME1", "MONOCHROME2"])
def test_a_grey_jpeg(meaning):
    dataset = describe(PICTURE, JPEGBaseline8Bit)
    put_pixels(dataset, np.asarray(PICTURE.convert("L")), meaning)
    dataset.PixelData = encapsulate([encode(PICTURE.convert("L"), "JPEG")])
    del dataset.PlanarConfiguration
    image = take(write(dataset))
    assert read(image).PhotometricInterpretation == meaning
    assert np.array_equal(np.asarray(decode_image(image.data)), np.asarray(image.pixels))


def test_a_name_within_the_compressed_picture_goes_too():
    comment = encode(PICTURE, "JPEG", comment=NAME, quality=95)
    dataset = describe(PICTURE, JPEGBaseline8Bit)
    dataset.PixelData = encapsulate([comment + b"\0" * (len(comment) % 2)])
    data = write(dataset)
    assert NAME.encode() in data
    assert NAME.encode() not in take(data).data
    frame = encode(PICTURE, "JPEG2000", irreversible=False, no_jp2=True, comment=NAME)
    dataset = describe(PICTURE, JPEG2000Lossless)
    dataset.PhotometricInterpretation = "RGB"
    dataset.PixelData = encapsulate([frame])
    data = write(dataset)
    assert NAME.encode() in data
    assert NAME.encode() not in take(data).data
