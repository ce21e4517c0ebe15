"""Cut, false and disordered files are refused."""

import struct

import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from tests.classifier.dicom.gate import PICTURE, refuse
from tests.classifier.dicom.samples import SYNTAXES, build_dicom, describe, write
from tests.classifier.intake.samples import draw_picture


@pytest.mark.parametrize("name", SYNTAXES)
def test_every_cut(name):
    data = build_dicom(draw_picture(20, 16), SYNTAXES[name])
    for at in [*range(140, 900, 37), len(data) // 2, len(data) - 12, len(data) - 1]:
        if at < len(data):
            assert refuse(data[:at]).code in ("truncated", "corrupt")


def test_fewer_pixels_than_told():
    assert refuse(build_dicom(PICTURE, Rows=49)).code == "truncated"
    assert refuse(build_dicom(PICTURE, Rows=47)).code == "corrupt"


@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
def test_no_size(keyword):
    assert refuse(build_dicom(PICTURE, **{keyword: 0})).code == "corrupt"
    assert refuse(build_dicom(PICTURE, **{keyword: None})).code == "corrupt"


@pytest.mark.parametrize("offsets", [(3, 0, 70, 80), (3, 64, 10, 80), (200, 64, 70, 80), (1, 64, 70, 80)])
def test_false_offsets_of_runs(offsets):
    dataset = describe(PICTURE, RLELossless)
    header = struct.pack("<16L", *offsets, *[0] * 12)
    dataset.PixelData = encapsulate([header + bytes(100)])
    assert refuse(write(dataset)).code in ("corrupt", "truncated")


def test_elements_out_of_order():
    dataset = describe(PICTURE)
    data = write(dataset)
    at, end = data.index(b"\x10\x00\x10\x00PN"), data.index(b"\x10\x00\x20\x00LO")
    name = data[at:end]
    assert refuse(data[:at] + name + name + data[end:]).code == "corrupt"


@pytest.mark.parametrize("keyword", ["Rows", "NumberOfFrames", "SamplesPerPixel"])
def test_a_value_of_no_known_form(keyword):
    dataset = describe(PICTURE)
    dataset.add_new(keyword, "LO", "Quackenbush")
    assert refuse(write(dataset)).code == "corrupt"
