"""Colours that are told otherwise than by an ICC profile: converted rightly, or refused in a sentence."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from ml.imaging.colour import ADOBE_RGB, ColourSpace, convert_samples, read_code_points
from ml.imaging.decoding import decode_image
from ml.imaging.errors import UndecodableImageError
from tests.ml.imaging.shared_inputs import SHARED, needs_inputs

P3 = [[0.8225, 0.1774, 0.0000], [0.0332, 0.9669, 0.0000], [0.0171, 0.0724, 0.9108]]
BT2020 = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
ADOBE = np.linalg.inv([[1.3984, -0.3984, 0.0], [0.0, 1.0, 0.0], [0.0, -0.0429, 1.0429]])
SIZE = (48, 40)


def draw_colours():
    """Skin, lesions and the colours between, in sRGB: float (height, width, 3) in [0, 1]."""
    rows, columns = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    share = np.stack([rows / SIZE[1], columns / SIZE[0], np.abs(np.sin(rows / 9 + columns / 11))], axis=-1)
    return 0.15 + 0.7 * share


def linearize(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encode_srgb(light):
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def encode_pq(light):
    """Light of which 1 is 203 cd/m² as SMPTE ST 2084 writes it."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = (np.maximum(light, 0) * 203 / 10_000) ** m1
    return ((c1 + c2 * power) / (1 + c3 * power)) ** m2


def encode_bt709(light):
    return np.where(light < 0.018053968510807, light * 4.5, 1.09929682680944 * light**0.45 - 0.09929682680944)


CURVES = {
    13: encode_srgb,
    16: encode_pq,
    14: encode_bt709,
    4: lambda light: light ** (1 / 2.2),
    8: lambda light: light,
}
MATRICES = {1: np.eye(3), 12: np.array(P3), 9: np.array(BT2020)}
SPACES = [(12, 13), (9, 13), (9, 14), (9, 16), (12, 16), (1, 4), (1, 8), (1, 13)]


def encode_as(primaries, transfer):
    """The drawn colours as numbers in [0, 1] of another space."""
    light = linearize(draw_colours()) @ MATRICES[primaries].T
    return np.clip(CURVES[transfer](light), 0, 1)


def differ(data):
    """The mean difference from the drawn colours, in levels."""
    found = np.asarray(decode_image(data), float)
    return np.abs(found - draw_colours() * 255).mean()


def write_png(values, depth, *chunks):
    """A PNG of values in [0, 1], (height, width, channels), with chunks before its picture."""
    white = (1 << depth) - 1
    samples = np.rint(values * white).astype(">u2" if depth == 16 else "u1")
    height, width, channels = samples.shape
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    kind = {1: 0, 3: 2, 4: 6}[channels]
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)),
        *chunks,
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


def write_heic(values, primaries, transfer, depth):
    samples = np.rint(values * 65535).astype("<u2") if depth > 8 else np.rint(values * 255).astype("u1")
    mode = "RGB;16" if depth > 8 else "RGB"
    height, width, _ = samples.shape
    target = BytesIO()
    pillow_heif.from_bytes(mode, (width, height), samples.tobytes()).save(
        target,
        quality=-1,
        chroma=444,
        color_primaries=primaries,
        transfer_characteristics=transfer,
        matrix_coefficients=0,
        full_range_flag=1,
    )
    return target.getvalue()


@pytest.mark.parametrize(("primaries", "transfer"), SPACES)
@pytest.mark.parametrize("depth", [8, 16])
def test_code_points_of_a_png(primaries, transfer, depth):
    told = (b"cICP", bytes([primaries, transfer, 0, 1]))
    data = write_png(encode_as(primaries, transfer), depth, told)
    assert differ(data) < (0.5 if depth == 16 else 2.5)


@pytest.mark.parametrize(("primaries", "transfer"), SPACES)
@pytest.mark.parametrize("depth", [8, 10])
def test_code_points_of_a_heic(primaries, transfer, depth):
    assert differ(write_heic(encode_as(primaries, transfer), primaries, transfer, depth)) < 2.5


def test_light_above_the_white_of_paper_is_white():
    bright = np.clip(encode_pq(np.full((8, 8, 3), 4.0)), 0, 1)
    assert (
        decode_image(write_png(bright, 16, (b"cICP", bytes([9, 16, 0, 1])))).getextrema() == ((255, 255),) * 3
    )


@pytest.mark.parametrize("write", ["png", "heic"])
@pytest.mark.parametrize(
    ("primaries", "transfer", "word"), [(9, 18, "HLG"), (8, 13, "8 and 13"), (1, 12, "1 and 12")]
)
def test_what_cannot_be_shown_rightly_is_refused(write, primaries, transfer, word):
    if write == "png":
        data = write_png(draw_colours(), 8, (b"cICP", bytes([primaries, transfer, 0, 1])))
    else:
        data = write_heic(draw_colours(), primaries, transfer, 10)
    with pytest.raises(UndecodableImageError, match=word) as caught:
        decode_image(data)
    assert caught.value.code == "unsupported_format"
    assert "JPEG in sRGB" in caught.value.message


@pytest.mark.parametrize("points", [(1, 13, 1, 1), (1, 13, 0, 0)])
def test_a_png_as_video_is_refused(points):
    with pytest.raises(UndecodableImageError, match="as video does"):
        decode_image(write_png(draw_colours(), 8, (b"cICP", bytes(points))))


def gamma(value):
    return b"gAMA", struct.pack(">I", round(value * 100_000))


SRGB_CORNERS = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
ADOBE_CORNERS = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)


def corners(*values):
    return b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in values))


@pytest.mark.parametrize("depth", [8, 16])
def test_gamma_and_chromaticities_of_a_png(depth):
    light = linearize(draw_colours())
    most = 0.5 if depth == 16 else 2.5
    assert differ(write_png(light, depth, gamma(1))) < most
    assert differ(write_png(light ** (1 / 1.8), depth, gamma(1 / 1.8))) < most
    adobe = np.clip(light @ ADOBE.T, 0, 1) ** (1 / 2.19921875)
    told = gamma(1 / 2.19921875), corners(*ADOBE_CORNERS)
    assert differ(write_png(adobe, depth, *told)) < 2.5
    grey = light[..., :1]
    found = np.asarray(decode_image(write_png(grey, depth, gamma(1))), float)
    assert np.abs(found - draw_colours()[..., :1] * 255).mean() < most


@pytest.mark.parametrize(
    "told",
    [
        [gamma(0.45455)],
        [gamma(0.45455), corners(*SRGB_CORNERS)],
        [(b"sRGB", b"\0"), gamma(1)],
        [gamma(0)],
        [corners(*(0.0,) * 8)],
        [(b"cICP", bytes([1, 13, 0, 1])), gamma(1)],
        [(b"cICP", bytes([2, 2, 0, 1]))],
    ],
)
def test_what_means_srgb_changes_nothing(told):
    plain = decode_image(write_png(draw_colours(), 8))
    assert decode_image(write_png(draw_colours(), 8, *told)).tobytes() == plain.tobytes()


def test_the_first_that_tells_counts():
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    icc = (b"iCCP", b"sRGB\0\0" + zlib.compress(profile))
    assert differ(write_png(draw_colours(), 8, icc, gamma(1))) < 1
    p3 = (b"cICP", bytes([12, 13, 0, 1]))
    assert differ(write_png(encode_as(12, 13), 8, p3, icc, (b"sRGB", b"\0"), gamma(1))) < 1


def write_jpeg(values, exif, **options):
    target = BytesIO()
    image = Image.fromarray(np.rint(values * 255).astype(np.uint8))
    image.save(target, options.pop("format", "JPEG"), exif=exif, **options)
    return target.getvalue()


def build_exif(colour_space, index=None):
    exif = Image.Exif()
    exif[0x0131] = "drawn"  # of nothing but inner tags Pillow writes none
    inner = exif.get_ifd(0x8769)
    inner[0xA001] = colour_space
    if index:
        inner[0xA005] = {1: index}
    return exif


@pytest.mark.parametrize(
    ("colour_space", "index", "is_adobe"),
    [
        (0xFFFF, "R03", True),
        (2, None, True),
        (2, "R03", True),
        (0xFFFF, None, False),
        (1, "R98", False),
        (1, "R03", False),
    ],
)
@pytest.mark.parametrize("name", ["JPEG", "WEBP", "PNG"])
def test_adobe_rgb_by_exif_alone(name, colour_space, index, is_adobe):
    adobe = np.clip(linearize(draw_colours()) @ ADOBE.T, 0, 1) ** (1 / 2.19921875)
    options = {"JPEG": {"quality": 98, "subsampling": 0}, "WEBP": {"lossless": True}}.get(name, {})
    exif = build_exif(colour_space, index)
    assert (differ(write_jpeg(adobe, exif, format=name, **options)) < 2.5) == is_adobe


@pytest.mark.parametrize(("colour_space", "is_told"), [(0xFFFF, True), (1, False)])
def test_chromaticities_in_exif(colour_space, is_told):
    exif = build_exif(colour_space)
    exif[0x013E] = (0.3127, 0.329)
    exif[0x013F] = ADOBE_CORNERS[2:]
    exif.get_ifd(0x8769)[0xA500] = 2.2
    adobe = np.clip(linearize(draw_colours()) @ ADOBE.T, 0, 1) ** (1 / 2.2)
    assert (differ(write_jpeg(adobe, exif, quality=98, subsampling=0)) < 2.5) == is_told


def test_a_profile_goes_before_exif():
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = write_jpeg(draw_colours(), build_exif(2), quality=98, subsampling=0, icc_profile=profile)
    assert differ(data) < 2.5


def test_transparency_lies_over_white_in_any_space():
    values = np.concatenate([encode_as(12, 13), np.full((*SIZE[::-1], 1), 0.5)], axis=-1)
    for depth in (8, 16):
        found = np.asarray(decode_image(write_png(values, depth, (b"cICP", bytes([12, 13, 0, 1])))), float)
        assert np.abs(found - 255 * (draw_colours() / 2 + 0.5)).mean() < 1.5


@pytest.mark.parametrize(
    "space", [ADOBE_RGB, ColourSpace(), read_code_points(9, 14), read_code_points(9, 16)]
)
def test_white_stays_white_and_grey_stays_grey(space):
    levels = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)[None]
    found = convert_samples(levels, 255, space)[0].astype(int)
    assert tuple(found[0]) == (0, 0, 0)
    assert tuple(found[-1]) == (255, 255, 255)
    assert np.ptp(found, axis=1).max() <= 1
    assert (np.diff(found[:, 0]) >= 0).all()


@needs_inputs
@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("heic-hdr-pq.hif", 5),
        ("png-p3-cicp.png", 0.5),
        ("jpeg-adobergb-by-exif.jpg", 3),
        ("png-xmp-over-1mb.png", 0),
        ("tiff-16bit-planar.tif", 0.6),
        ("dicom-jpeg-rgb-components.dcm", 2),
        ("dicom-said-rgb-is-ycc420.dcm", 2),
    ],
)
def test_the_shared_inputs_look_as_they_should(name, most):
    truth = np.asarray(Image.open(SHARED / "truth.png").convert("RGB"), float)
    found = np.asarray(decode_image((SHARED / name).read_bytes()), float)
    assert np.abs(found - truth).mean() <= most


@needs_inputs
def test_the_shared_negative_is_grey_and_no_negative():
    truth = np.asarray(Image.open(SHARED / "truth.png").convert("L"), float)
    found = np.asarray(decode_image((SHARED / "tiff-16bit-white-is-zero.tif").read_bytes()), float)
    assert np.abs(found - truth[..., None]).mean() < 1
