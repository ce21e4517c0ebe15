from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ml.imaging.segments import strip_comments, strip_segments
from tests.classifier.intake.samples import draw_picture, encode

NAME = "Quackenbush"
PICTURE = draw_picture(61, 48)


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"subsampling": 2}, {"restart_marker_rows": 1}], ids=str
)
def test_a_jpeg_without_its_segments_shows_the_same(options):
    frame = encode(PICTURE, "JPEG", comment=NAME, exif=b"Exif\0\0" + NAME.encode(), **options)
    bare = strip_segments(b"\xff\xd8\xff" + frame[2:] + b"\0" + NAME.encode())  # fill byte, padding
    assert NAME.encode() not in bare
    assert np.array_equal(np.asarray(Image.open(BytesIO(bare))), np.asarray(Image.open(BytesIO(frame))))


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xda\0\4ab" + bytes(9)]
)
def test_what_is_no_whole_jpeg_has_no_picture_to_keep(data):
    assert strip_segments(data) is None


@pytest.mark.parametrize("options", [{}, {"tile_size": (16, 16)}, {"irreversible": True}], ids=str)
def test_a_codestream_without_its_comments_shows_the_same(options):
    frame = encode(PICTURE, "JPEG2000", no_jp2=True, comment=NAME, **options)
    assert NAME.encode() in frame
    bare = strip_comments(frame + b"\0" + NAME.encode())
    assert NAME.encode() not in bare
    assert np.array_equal(np.asarray(Image.open(BytesIO(bare))), np.asarray(Image.open(BytesIO(frame))))


def test_a_codestream_of_another_build_is_left_alone():
    frame = encode(PICTURE, "JPEG2000", no_jp2=True)
    at = frame.index(b"\xff\x93")
    within = frame[:at] + b"\xff\x64\0\x06\0\1ab" + frame[at:]
    for data in (b"", frame[:40], frame[:-2], within, encode(PICTURE, "JPEG2000")):
        assert strip_comments(data) is None
