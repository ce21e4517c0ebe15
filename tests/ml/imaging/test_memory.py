"""One decoded image never takes more than 600 MiB: measured of each kind, and refused before it is decoded."""

import multiprocessing
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.imaging import decoding
from ml.imaging.decoding import MAX_MEMORY, decode_image
from ml.imaging.errors import UndecodableImageError
from tests.ml.imaging.test_decoding import encode, exif_with

SIDE = 2400
# Of 60 million pixels, which intake takes by default.
BYTES_A_PIXEL = MAX_MEMORY / 60_000_000
# What a decoder takes whatever the picture's size: bands, tables, strips.
OVERHEAD = 24 << 20


def draw_large(mode):
    ramp = np.add.outer(np.arange(SIDE, dtype=np.uint32), np.arange(SIDE, dtype=np.uint32))
    if mode == "I;16":
        return Image.fromarray((ramp * 13 % 65536).astype(np.uint16))
    return Image.fromarray((ramp % 256).astype(np.uint8)).convert(mode)


KINDS = {
    "JPEG": lambda: encode(draw_large("RGB"), "JPEG"),
    "turned JPEG": lambda: encode(draw_large("RGB"), "JPEG", exif=exif_with(6)),
    "progressive JPEG": lambda: encode(draw_large("RGB"), "JPEG", progressive=True, subsampling=0),
    "16-bit grey PNG": lambda: encode(draw_large("I;16"), "PNG", compress_level=1),
    "PNG with transparency": lambda: encode(draw_large("RGBA"), "PNG", compress_level=1),
    "TIFF in one strip": lambda: encode(
        draw_large("RGB"), "TIFF", compression="tiff_lzw", strip_size=1 << 30
    ),
}


def _measure(data, sender):
    before = _read_peak()
    decode_image(data)
    sender.send(_read_peak() - before)


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
    taken = receiver.recv()
    process.join()
    assert 3 * SIDE * SIDE < taken <= BYTES_A_PIXEL * SIDE * SIDE + OVERHEAD


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
