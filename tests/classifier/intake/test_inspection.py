"""What the gate lets through and what it refuses, each with a sentence one can act on."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from classifier.domain.limits import UploadLimits
from classifier.intake import RejectedImageError, inspect_image
from tests.classifier.intake.samples import (
    EXTENSIONS,
    FORMATS,
    draw_picture,
    encode,
    encode_picture,
)
from tests.ml.imaging.test_colour_spaces import write_png
from tests.ml.imaging.tiff_files import TiffFile

LIMITS = UploadLimits()


def refuse(data, limits=LIMITS, filename="photo.jpg"):
    with pytest.raises(RejectedImageError) as caught:
        inspect_image(data, filename, limits)
    return caught.value


@pytest.mark.parametrize("name", FORMATS)
def test_every_accepted_format_passes(name):
    data = encode_picture(name)
    image = inspect_image(data, f"photo.{EXTENSIONS[name]}", LIMITS)
    assert (image.format, image.width, image.height) == (name, 300, 260)
    assert (image.data, image.byte_size) == (data, len(data))
    assert image.pixels.mode == "RGB"
    assert len(image.sha256) == len(image.pixel_sha256) == 64
    assert image.warnings == []


def test_the_same_picture_in_another_file_has_the_same_pixel_hash():
    first = inspect_image(encode_picture("PNG"), "a.png", LIMITS)
    again = inspect_image(encode_picture("TIFF"), "b.tif", LIMITS)
    other = inspect_image(encode(draw_picture(seed=2), "PNG"), "c.png", LIMITS)
    assert first.sha256 != again.sha256
    assert first.pixel_sha256 == again.pixel_sha256 != other.pixel_sha256


def test_a_turned_photo_is_measured_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = inspect_image(encode_picture(exif=exif.tobytes()), "photo.jpg", LIMITS)
    assert (image.width, image.height) == image.pixels.size == (260, 300)


def test_zero_bytes():
    error = refuse(b"")
    assert error.code == "empty_file"
    assert "0 bytes" in error.message


def test_too_many_bytes_names_both_numbers():
    data = encode_picture("PNG")
    error = refuse(data, UploadLimits(max_bytes=102_400))
    assert error.code == "file_too_large"
    assert "at most 100 KB" in error.message
    assert f"{len(data) / 1024:.0f}"[:2] in error.message
    assert inspect_image(data, "a.png", UploadLimits(max_bytes=len(data))).byte_size == len(data)


def test_too_small_says_what_to_do():
    error = refuse(encode(draw_picture(180, 160), "JPEG"))
    assert error.code == "too_small"
    assert error.message == (
        "This photo is 180×160 pixels; the model needs at least 224×224. Move closer and take it again."
    )
    assert inspect_image(encode(draw_picture(224, 224), "JPEG"), "a.jpg", LIMITS).width == 224


def test_too_many_pixels():
    limit = UploadLimits(max_pixels=300 * 260 - 1)
    for name in FORMATS:
        error = refuse(encode_picture(name), limit)
        assert error.code == "too_many_pixels"
        assert "300×260" in error.message


def test_too_long():
    error = refuse(encode(draw_picture(2400, 240), "JPEG"), UploadLimits(max_side=2000))
    assert error.code == "too_long"
    assert "2400×240" in error.message
    assert "2,000" in error.message


def build_png(width, height):
    """A few bytes that claim a huge picture."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(100_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def build_webp(width, height):
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


def build_tiff(width, height):
    tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (279, 1)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\x00" + struct.pack("<IH", 8, len(tags)) + entries + bytes(8)


def patch_jpeg(width, height):
    data = bytearray(encode_picture("JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        build_png(60_000, 60_000),
        build_png(2**31 - 1, 2**31 - 1),
        build_webp(16_383, 16_383),
        build_webp(2**24, 2**24),
        build_tiff(100_000, 100_000),
        build_tiff(2**32 - 1, 2**32 - 1),
        patch_jpeg(65_500, 65_500),
    ],
)
@pytest.mark.filterwarnings("error")
def test_decompression_bombs_stop_at_their_header(data):
    error = refuse(data)
    assert error.code == "too_many_pixels"
    assert "at most 60.0 million" in error.message


@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF"])
def test_moving_and_many_paged_files_name_their_frames(name):
    frames = [draw_picture(seed=seed) for seed in range(4)]
    data = encode(frames[0], name, save_all=True, append_images=frames[1:])
    error = refuse(data)
    assert error.code == "animated"
    assert "holds 4 pictures" in error.message


@pytest.mark.parametrize("name", FORMATS)
def test_truncated_files(name):
    data = encode_picture(name)
    error = refuse(data[: len(data) * 2 // 3])
    assert error.code in ("truncated", "corrupt")
    if name == "JPEG":
        assert error.code == "truncated"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (encode(draw_picture(), "GIF"), "GIF"),
        (encode(draw_picture(), "BMP"), "BMP"),
        (b"%PDF-1.4 " + bytes(100), "PDF"),
        (b"<svg><script>alert(1)</script></svg>", "SVG"),
        (b"\n<html><body></body></html>", "web page"),
        (b"MZ" + bytes(200), "program"),
    ],
)
def test_a_file_that_is_no_photo_is_refused_whatever_its_name(data, word):
    error = refuse(data, filename="photo.jpg")
    assert error.code == "unsupported_format"
    assert word in error.message


def test_a_format_that_settings_leave_out_is_refused():
    error = refuse(encode_picture("TIFF"), UploadLimits(formats=("JPEG", "PNG")))
    assert error.code == "unsupported_format"
    assert error.message == "This file is a TIFF; JPEG or PNG is needed."


def test_a_wrong_extension_is_a_notice():
    image = inspect_image(encode_picture("JPEG"), "Photo.PNG", LIMITS)
    assert [notice.code for notice in image.warnings] == ["extension_mismatch"]
    assert ".png but is a JPEG" in image.warnings[0].message
    unknown = inspect_image(encode_picture("JPEG"), "Scan of Jane Roe.janeroe", LIMITS)
    assert "jane" not in unknown.warnings[0].message.lower()
    for name in ("photo.jpeg", "photo.JPG", "photo", ""):
        assert inspect_image(encode_picture("JPEG"), name, LIMITS).warnings == []


def add_comment(data, comment):
    return data[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + data[2:]


def build_zip():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("letter.txt", "text")
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (add_comment(encode_picture(), b"%PDF-1.5 1 0 obj"), "PDF"),
        (add_comment(encode_picture(), b"<!DOCTYPE HTML><p>"), "web page"),
        (add_comment(encode_picture(), b"<script>alert(1)</script>"), "web page"),
        (add_comment(encode_picture(), b"<svg onload=x>"), "SVG"),
        (encode_picture() + build_zip(), "ZIP"),
        (encode_picture("PNG") + build_zip(), "ZIP"),
    ],
)
def test_a_photo_that_is_also_a_document_is_refused(data, word):
    error = refuse(data)
    assert error.code == "mixed_content"
    assert word in error.message


def test_what_a_phone_appends_is_no_document():
    data = encode_picture() + b"PK\x05\x06 not at the end" + encode_picture()
    assert inspect_image(data, "photo.jpg", LIMITS).width == 300


def test_whole_files_that_were_called_damaged_or_animated_are_taken():
    """And what is read from them is the picture, not what a decoder makes of it."""
    samples = np.asarray(draw_picture(), np.uint16)
    page = TiffFile(samples)
    expected = inspect_image(page.write(), "a.tif", LIMITS).pixel_sha256
    thumbnail = TiffFile(samples[:60, :80], subfile=1)
    deep = TiffFile(samples * 257, bits=16, planar=2)
    for data in (page.write(thumbnail), thumbnail.write(page), deep.write()):
        assert inspect_image(data, "a.tif", LIMITS).pixel_sha256 == expected
    values = samples / 255
    text = (b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + b" " * (2 << 20))
    assert inspect_image(write_png(values, 8, text), "a.png", LIMITS).pixel_sha256 == expected


def test_colours_that_cannot_be_shown_rightly_are_refused_in_a_sentence():
    hlg = write_png(np.asarray(draw_picture()) / 255, 8, (b"cICP", bytes([9, 18, 0, 1])))
    error = refuse(hlg)
    assert error.code == "unsupported_format"
    assert "Save it as a JPEG in sRGB" in error.message
