"""One decoded image never takes more than 600 MiB: measured of each kind, and refused before it is decoded."""

import multiprocessing
import re
import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.imaging import decoding
from ml.imaging.decoding import decode_image, read_header
from ml.imaging.errors import UndecodableImageError
from tests.ml.imaging.test_decoding import draw_scans, encode, exif_with

SIDE = 2400
# What a decoder takes whatever the picture's size: bands, tables, strips.
OVERHEAD = 10 << 20


def draw_large(mode):
    ramp = np.add.outer(np.arange(SIDE, dtype=np.uint32), np.arange(SIDE, dtype=np.uint32))
    if mode == "I;16":
        return Image.fromarray((ramp * 13 % 65536).astype(np.uint16))
    return Image.fromarray((ramp % 256).astype(np.uint8)).convert(mode)


KINDS = {
    "JPEG": lambda: encode(draw_large("RGB"), "JPEG"),
    "turned JPEG": lambda: encode(draw_large("RGB"), "JPEG", exif=exif_with(6)),
    "turned grey JPEG": lambda: encode(draw_large("L"), "JPEG", exif=exif_with(6)),
    "progressive JPEG": lambda: encode(draw_large("RGB"), "JPEG", progressive=True, subsampling=0),
    "JPEG of three scans": lambda: b"".join(draw_scans(draw_large("RGB"))),
    "HEIC with transparency": lambda: encode(
        Image.new("RGBA", (SIDE, SIDE), (90, 60, 50, 9)), "HEIC", chroma=444
    ),
    "16-bit grey PNG": lambda: encode(draw_large("I;16"), "PNG", compress_level=1),
    "PNG with transparency": lambda: encode(draw_large("RGBA"), "PNG", compress_level=1),
    "TIFF in one strip": lambda: encode(
        draw_large("RGB"), "TIFF", compression="tiff_lzw", strip_size=1 << 30
    ),
}


def _measure(data, sender):
    """Send what decoding takes, and for how many bytes a pixel it was checked."""
    costs = []
    check = decoding._check_pixels
    decoding._check_pixels = lambda size, limit, cost: costs.append(cost) or check(size, limit, cost)
    read_header(data)  # libraries are loaded
    before = _read_peak()
    decode_image(data)
    sender.send((_read_peak() - before, max(costs)))


def _read_peak():
    """Bytes. Not ru_maxrss, which a process inherits from the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_memory_of_one_decoded_image(kind):
    data = KINDS[kind]()
    # A new process: what it once took, a process never gives back in this figure.
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(data, sender))
    process.start()
    taken, cost = receiver.recv()
    process.join()
    assert 3 * SIDE * SIDE < taken <= cost * SIDE * SIDE + OVERHEAD


def _measure_header(data, sender):
    before = _read_peak()
    try:
        read_header(data)
    except UndecodableImageError as error:
        assert error.code == "unsupported_format"  # noqa: PT017
    sender.send(_read_peak() - before)


def write_endless_tiff():
    """Two million numbers in each of twelve tags, which all lie in the same place."""
    count = 2_000_000
    tags = dict.fromkeys((258, 266, 274, 277, 278, 279, 301, 317, 320, 338, 339, 530), (3, count, 2000))
    tags |= {256: (4, 1, 64), 257: (4, 1, 64), 273: (4, 1, 2000)}
    entries = b"".join(struct.pack("<HHLL", tag, *tags[tag]) for tag in sorted(tags))
    head = b"II*\0" + struct.pack("<LH", 8, len(tags)) + entries
    return head.ljust(2000, b"\0") + b"\x37\x13" * count


def write_endless_exif():
    """A million fractions for an orientation."""
    count = 1_000_000
    exif = b"II*\0" + struct.pack("<LHHHLL", 8, 1, 0x0112, 5, count, 26) + bytes(4) + b"\1\0\0\0" * 2 * count
    return encode(Image.new("RGB", (8, 8)), "PNG", exif=exif)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize(
    ("write", "most"),
    [
        # A picture without orientation, of which nothing may be decoded before its size is looked at.
        (lambda: encode(draw_large("RGB"), "PNG", compress_level=1), 6 << 20),
        (write_endless_tiff, 110 << 20),
        (write_endless_exif, 40 << 20),
    ],
    ids=["PNG", "endless lists", "endless EXIF"],
)
def test_memory_of_a_header(write, most):
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure_header, args=(write(), sender))
    process.start()
    taken = receiver.recv()
    process.join()
    assert taken <= most


def test_what_would_take_more_is_refused_before_it_is_decoded(monkeypatch):
    webp = BytesIO()
    Image.new("RGB", (300, 300)).save(webp, "WEBP")
    jpeg = BytesIO()
    Image.new("RGB", (300, 300)).save(jpeg, "JPEG")
    monkeypatch.setattr(decoding, "MAX_MEMORY", 300 * 300 * 10)
    assert decode_image(jpeg.getvalue()).size == (300, 300)
    with pytest.raises(UndecodableImageError, match="as they are in this file") as caught:
        decode_image(webp.getvalue())
    assert caught.value.code == "too_many_pixels"


def test_large_pictures_are_decoded_one_after_another(monkeypatch):
    data = encode(Image.new("RGB", (64, 64)), "PNG")
    monkeypatch.setattr(decoding, "_LARGE_PIXELS", 100)
    assert decode_image(data).size == (64, 64)
    with decoding._take_turn((64, 64)):
        assert not decoding._large.acquire(blocking=False)
    assert decoding._large.acquire(blocking=False)
    decoding._large.release()
