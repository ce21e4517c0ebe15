"""Whole files that a decoder calls broken are read, or refused for what they are."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from ml.imaging import colour, png
from ml.imaging.decoding import decode_image, read_header
from ml.imaging.errors import UndecodableImageError
from tests.ml.imaging.shared_inputs import SHARED, needs_inputs
from tests.ml.imaging.test_colour_spaces import draw_colours, write_png
from tests.ml.imaging.test_decoding import difference, draw_picture, encode

LARGE = b"<x:xmpmeta>" + b" " * (3 << 20) + b"</x:xmpmeta>"
PLAIN = decode_image(write_png(draw_colours(), 8)).tobytes()


@pytest.mark.parametrize(
    "chunk",
    [
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + LARGE),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(LARGE)),
        (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(range(256)) * 8192)),
        (b"tEXt", b"Comment\0" + b"a" * (66 << 20)),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"0" * (3 << 20))),
        (b"iCCP", b"broken\0\0" + b"no zlib"),
    ],
    ids=["xmp", "packed xmp", "packed text", "66 MB of text", "old EXIF", "broken profile"],
)
def test_a_png_with_large_or_broken_texts(chunk):
    data = write_png(draw_colours(), 8, chunk)
    assert decode_image(data).tobytes() == PLAIN
    assert read_header(data).width == 48


def test_a_png_with_a_large_profile_is_converted_by_it(monkeypatch):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    turned = profile.replace(b"rXYZ", b"temp").replace(b"gXYZ", b"rXYZ").replace(b"temp", b"gXYZ")
    size = 3 << 20
    large = struct.pack(">I", size) + turned[4:] + bytes(size - len(turned))
    data = write_png(draw_colours(), 8, (b"iCCP", b"large\0\0" + zlib.compress(large)))
    small = write_png(draw_colours(), 8, (b"iCCP", b"small\0\0" + zlib.compress(turned)))
    assert decode_image(data).tobytes() == decode_image(small).tobytes() != PLAIN
    kept = colour._build_small.cache_info().currsize
    for filling in (b"1", b"2"):  # none of which is kept beside the next
        body = large[: -len(filling)] + filling
        decode_image(write_png(draw_colours(), 8, (b"iCCP", b"large\0\0" + zlib.compress(body))))
    assert colour._build_large.cache_info().currsize == 1
    assert colour._build_small.cache_info().currsize == kept
    monkeypatch.setattr(png, "MAX_PROFILE", 1 << 20)
    with pytest.raises(UndecodableImageError, match="more than 1 MB") as caught:
        decode_image(data)
    assert caught.value.code == "unsupported_format"


def test_the_orientation_of_an_old_png_is_kept():
    exif = Image.Exif()
    exif[0x0112] = 6
    lines = "\nexif\n  40\n" + (b"Exif\0\0" + exif.tobytes()).hex()
    data = write_png(
        draw_colours(), 8, (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(lines.encode()))
    )
    assert decode_image(data).size == (40, 48)


def test_a_transparent_grey_of_few_bits_is_that_grey():
    samples = np.tile(np.arange(16, dtype=np.uint8), (4, 1))
    rows = b"".join(b"\0" + bytes(int(f"{a:x}{b:x}", 16) for a, b in row.reshape(-1, 2)) for row in samples)
    header = struct.pack(">IIBBBBB", 16, 4, 4, 0, 0, 0, 0)
    parts = [
        (b"IHDR", header),
        (b"tRNS", struct.pack(">H", 3)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
    found = np.asarray(decode_image(data))[0, :, 0]
    assert found.tolist() == [255 if level == 3 else level * 17 for level in range(16)]


def cut_segment(data, marker):
    """A JPEG without its first segment of this marker."""
    at = data.index(marker)
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]


def patch_frame(data, at, value):
    """A JPEG with another byte in its frame header, `at` bytes behind the marker."""
    start = next(data.index(bytes([0xFF, one])) for one in (0xC0, 0xC2) if bytes([0xFF, one]) in data)
    return data[: start + at] + bytes([value]) + data[start + at + 1 :]


@pytest.mark.parametrize(("at", "value"), [(1, 0xC3), (1, 0xC7), (4, 12)])
def test_a_jpeg_of_another_coding_is_unsupported(at, value):
    data = patch_frame(encode(draw_picture(), "JPEG"), at, value)
    with pytest.raises(UndecodableImageError, match="baseline or progressive") as caught:
        decode_image(data)
    assert caught.value.code == "unsupported_format"


def test_ink_without_adobes_word_is_not_inverted():
    picture = draw_picture().convert("CMYK")
    adobe = encode(picture, "JPEG", quality=98)
    assert difference(decode_image(adobe), picture.convert("RGB")) < 3
    inverted = Image.fromarray(255 - np.asarray(picture), "CMYK")
    assert (
        difference(
            decode_image(cut_segment(encode(inverted, "JPEG", quality=98), b"\xff\xee")),
            picture.convert("RGB"),
        )
        < 3
    )


def test_components_named_rgb_are_colours():
    raw = Image.frombytes("YCbCr", draw_picture().size, draw_picture().tobytes())
    data = cut_segment(encode(raw, "JPEG", quality=98, subsampling=0), b"\xff\xe0")
    start = data.index(b"\xff\xc0")
    scan = data.index(b"\xff\xda")
    named = bytearray(data)
    for one, name in enumerate(b"RGB"):
        named[start + 10 + 3 * one] = named[scan + 5 + 2 * one] = name
    assert difference(decode_image(bytes(named)), draw_picture()) < 3


@needs_inputs
def test_a_tiff_packed_by_webp_is_unsupported():
    with pytest.raises(UndecodableImageError, match="WebP") as caught:
        decode_image((SHARED / "tiff-webp-compressed.tif").read_bytes())
    assert caught.value.code == "unsupported_format"


def test_a_heic_of_an_unknown_codec_is_unsupported():
    data = encode(draw_picture(), "HEIC").replace(b"hvc1", b"zzz1")
    with pytest.raises(UndecodableImageError) as caught:
        decode_image(data)
    assert caught.value.code == "unsupported_format"


def test_progressive_files_are_still_held_to_their_end():
    stream = BytesIO()
    draw_picture().save(stream, "JPEG", progressive=True, quality=90)
    assert difference(decode_image(stream.getvalue()), draw_picture()) < 4
