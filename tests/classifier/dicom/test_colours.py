"""Every accepted meaning of the numbers gives the colours that went in."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit

from ml.imaging.decoding import decode_image
from ml.imaging.errors import UndecodableImageError
from tests.classifier.dicom.gate import PICTURE
from tests.classifier.dicom.pictures import PIXELS, differ, store
from tests.classifier.dicom.samples import build_dicom, describe, pack_runs, write
from tests.classifier.intake.samples import draw_picture, encode


def test_a_jpeg_of_plain_rgb_is_not_converted():
    """Without a marker, three components that the header calls RGB are red, green and blue."""
    frame = encode(
        Image.frombytes("YCbCr", PICTURE.size, PICTURE.tobytes()), "JPEG", quality=100, subsampling=0
    )
    start = frame.index(b"\xff\xe0")  # the JFIF segment says that it is luma and chroma
    bare = frame[:start] + frame[start + 2 + int.from_bytes(frame[start + 2 : start + 4], "big") :]
    dataset = describe(PICTURE, JPEGBaseline8Bit)
    dataset.PhotometricInterpretation = "RGB"
    dataset.PixelData = encapsulate([bare])
    assert differ(write(dataset), PIXELS) < 12


def drop_segment(frame, marker):
    """A JPEG without its segment of this marker: JFIF's word, or Adobe's, of what its components are."""
    start = frame.index(marker)
    return frame[:start] + frame[start + 2 + int.from_bytes(frame[start + 2 : start + 4], "big") :]


def name_components(frame, names):
    frame = bytearray(frame)
    start, scan = frame.index(b"\xff\xc0"), frame.index(b"\xff\xda")
    for place, name in enumerate(names):
        frame[start + 10 + 3 * place] = frame[scan + 5 + 2 * place] = name
    return bytes(frame)


def wrap(frame, meaning, syntax=JPEGBaseline8Bit):
    dataset = describe(PICTURE, syntax)
    dataset.PhotometricInterpretation = meaning
    dataset.PixelData = encapsulate([frame])
    return write(dataset)


def encode_plain(**options):
    """Red, green and blue as they are, without a word of what they are."""
    raw = Image.frombytes("YCbCr", PICTURE.size, PICTURE.tobytes())
    return drop_segment(encode(raw, "JPEG", quality=100, subsampling=0, **options), b"\xff\xe0")


@pytest.mark.parametrize("meaning", ["RGB", "YBR_FULL_422", "YBR_FULL"])
def test_components_named_rgb_are_colours_whatever_the_header_says(meaning):
    assert differ(wrap(name_components(encode_plain(), b"RGB"), meaning), PIXELS) < 12


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_header_speaks_where_the_stream_is_silent(options):
    assert differ(wrap(encode_plain(**options), "RGB"), PIXELS) < 12


def test_a_grey_corner_of_plain_rgb_is_whole():
    """Then the picture is decoded twice, and both times without a conversion."""
    pixels = PIXELS.copy()
    pixels[24:, 30:] = 128
    raw = Image.frombytes("YCbCr", PICTURE.size, pixels.tobytes())
    frame = drop_segment(encode(raw, "JPEG", quality=100, subsampling=0), b"\xff\xe0")
    assert differ(wrap(frame, "RGB"), pixels) < 12


def test_what_is_subsampled_is_luma_and_chroma():
    """Red, green and blue never are; the header that calls it RGB is wrong."""
    frame = encode(PICTURE, "JPEG", quality=95, subsampling=2)
    expected = Image.open(BytesIO(frame)).convert("RGB")
    assert differ(wrap(drop_segment(frame, b"\xff\xe0"), "RGB"), expected) == 0


def test_a_stream_that_contradicts_itself_is_refused():
    frame = drop_segment(encode(PICTURE, "JPEG", quality=95, subsampling=2), b"\xff\xe0")
    with pytest.raises(UndecodableImageError, match="not the one its header describes"):
        decode_image(wrap(name_components(frame, b"RGB"), "RGB"))


@pytest.mark.parametrize(
    ("meaning", "transform", "is_read"),
    [
        ("YBR_RCT", True, True),
        ("RGB", True, True),
        ("RGB", False, True),
        ("YBR_RCT", False, False),
        ("YBR_ICT", False, False),
        ("YBR_FULL", True, False),
    ],
)
def test_jpeg2000_by_its_stream(meaning, transform, is_read):
    frame = encode(PICTURE, "JPEG2000", irreversible=False, mct=int(transform), no_jp2=True)
    data = wrap(frame, meaning, JPEG2000Lossless)
    if is_read:
        assert differ(data, PIXELS) == 0
        return
    with pytest.raises(UndecodableImageError, match="not the one its header describes"):
        decode_image(data)


def test_sixteen_bits_are_brought_to_eight_by_their_full_range():
    wide = PIXELS.astype(np.uint16) * 257
    assert differ(write(store(wide, "RGB")), PIXELS) == 0
    dataset = store(wide, "RGB")
    pack_runs(dataset)
    assert differ(write(dataset), PIXELS) == 0


def test_twelve_stored_bits():
    grey = np.asarray(PICTURE.convert("L"))
    samples = np.rint(grey / 255 * 4095).astype(np.uint16)
    data = write(store(samples, "MONOCHROME2", BitsStored=12, HighBit=11))
    assert differ(data, np.stack([grey] * 3, axis=-1)) == 0


@pytest.mark.parametrize(("meaning", "turned"), [("MONOCHROME2", False), ("MONOCHROME1", True)])
def test_grey(meaning, turned):
    grey = np.asarray(PICTURE.convert("L"))
    expected = 255 - grey if turned else grey
    assert differ(write(store(grey, meaning)), np.stack([expected] * 3, axis=-1)) == 0


def test_grey_of_sixteen_bits_in_jpeg2000():
    grey = np.asarray(PICTURE.convert("L"))
    dataset = store(grey.astype(np.uint16) * 257, "MONOCHROME2", JPEG2000Lossless)
    frame = encode(Image.fromarray(grey.astype(np.uint16) * 257), "JPEG2000", irreversible=False, no_jp2=True)
    dataset.PixelData = encapsulate([frame])
    assert differ(write(dataset), np.stack([grey] * 3, axis=-1)) == 0


def test_luma_and_chroma():
    colours = PICTURE.convert("YCbCr")
    data = write(store(np.asarray(colours), "YBR_FULL"))
    assert differ(data, np.asarray(colours.convert("RGB"))) == 0


def test_luma_and_halved_chroma():
    picture = draw_picture(60, 48)
    colours = np.asarray(picture.convert("YCbCr")).copy()
    colours[:, 1::2, 1:] = colours[:, ::2, 1:]
    pairs = np.concatenate([colours[:, ::2, :1], colours[:, 1::2, :1], colours[:, ::2, 1:]], axis=-1)
    dataset = store(colours, "YBR_FULL_422")
    dataset.PixelData = pairs.tobytes()
    expected = Image.frombytes("YCbCr", (60, 48), colours.tobytes()).convert("RGB")
    assert differ(write(dataset), np.asarray(expected)) == 0


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette(bits):
    indexed = PICTURE.quantize(40)
    table = np.array(indexed.getpalette()[: 40 * 3], np.uint16).reshape(40, 3)
    dataset = store(np.asarray(indexed) + np.uint8(7), "PALETTE COLOR")
    for index, colour in enumerate(("Red", "Green", "Blue")):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [40, 7, bits])
        entries = (table[:, index] * 257).astype("<u2") if bits == 16 else table[:, index].astype("u1")
        setattr(dataset, f"{colour}PaletteColorLookupTableData", entries.tobytes())
    assert differ(write(dataset), np.asarray(indexed.convert("RGB"))) == 0


def test_the_colour_profile_is_applied():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert differ(build_dicom(PICTURE, ICCProfile=profile), PIXELS) <= 1
    # Red and blue exchanged: the profile decides what a number looks like.
    at, other = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    turned = bytearray(profile)
    turned[at : at + 4], turned[other : other + 4] = b"bXYZ", b"rXYZ"
    assert differ(build_dicom(PICTURE, ICCProfile=bytes(turned)), PIXELS) > 20
    assert decode_image(build_dicom(PICTURE, ICCProfile=profile)).info == {}
