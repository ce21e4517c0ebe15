"""The real files that are at hand, each taken or refused for the right reason."""

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest

from classifier.intake import RejectedImageError, inspect_image
from ml.imaging.decoding import decode_image
from tests.classifier.dicom.gate import LIMITS

REAL = Path(os.environ.get("DERMAPORT_DATA", "../shared/data")) / "dicom"
EXPECTED = {
    "CT_small.dcm": ("unsupported_format", "CT Image"),
    "JPEG-lossy.dcm": ("unsupported_format", "another device's screen"),
    "RG3_J2KI.dcm": ("unsupported_format", "Computed Radiography"),
    "SC_rgb.dcm": None,
    "SC_rgb_jpeg_dcmd.dcm": None,
    "SC_rgb_jpeg_dcmtk.dcm": None,
    "US1_J2KI.dcm": ("unsupported_format", "Ultrasound Image"),
    "color-px.dcm": ("unsupported_format", "Ultrasound Image"),
    "examples_palette.dcm": ("unsupported_format", "Ultrasound Image"),
    "examples_rgb_color.dcm": ("unsupported_format", "Ultrasound Image"),
    "examples_ybr_color.dcm": ("unsupported_format", "Ultrasound Multi-frame Image"),
}
needs_files = pytest.mark.skipif(not REAL.is_dir(), reason="real DICOM files (DERMAPORT_DATA) are not here")


@needs_files
@pytest.mark.parametrize("name", EXPECTED)
def test_real_files_are_taken_or_refused_for_the_right_reason(name):
    data, expected = (REAL / name).read_bytes(), EXPECTED[name]
    if expected is not None:
        with pytest.raises(RejectedImageError) as caught:
            inspect_image(data, name, LIMITS)
        assert caught.value.code == expected[0]
        assert expected[1] in caught.value.message
        return
    image = inspect_image(data, name, LIMITS)
    assert np.array_equal(np.asarray(image.pixels), pydicom.dcmread(BytesIO(data)).pixel_array)
    assert "words_unknown" in [notice.code for notice in image.warnings]


@needs_files
@pytest.mark.parametrize("name", ["US1_J2KI.dcm", "color-px.dcm", "examples_palette.dcm"])
def test_pictures_of_real_devices_decode_as_pydicom_decodes_them(name, monkeypatch):
    """What they show is refused; how they store it is what photographs use too."""
    from pydicom.pixels import apply_color_lut

    monkeypatch.setattr("ml.imaging.dicom.header.check_kinds", lambda *_: None)
    data = (REAL / name).read_bytes()
    dataset = pydicom.dcmread(BytesIO(data))
    expected = dataset.pixel_array
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        expected = apply_color_lut(expected, dataset) >> 8
    assert np.array_equal(np.asarray(decode_image(data)), expected)
