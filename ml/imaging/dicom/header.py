"""What a DICOM file says of itself: only what is needed to decode it and to tell what it is.

Of all its attributes pydicom is given these to read and no others. A patient's name never becomes a
value here, so it can't reach a message, a warning or a traceback.
"""

import logging
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import pydicom
from pydicom import config
from pydicom.dataset import Dataset

from ml.imaging.dicom.kinds import CAMERAS, SECONDARY, check_kinds, check_syntax, refuse_kind
from ml.imaging.dicom.structure import DicomLayout, check_surroundings, read_layout, read_meta
from ml.imaging.errors import UndecodableImageError

_READ: Final = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "AcquisitionDate",
    "AcquisitionDateTime",
    "Laterality",
    "ImageLaterality",
    "AnatomicRegionSequence",
    "BurnedInAnnotation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "ICCProfile",
]


def silence_pydicom() -> None:
    """It quotes values that break the rules, in warnings and in its log; they may be names."""
    config.settings.reading_validation_mode = config.IGNORE
    warnings.filterwarnings("ignore", module=r"pydicom\b")
    logging.getLogger("pydicom").addFilter(_drop_record)


def _drop_record(_: logging.LogRecord) -> bool:
    return False


silence_pydicom()


@dataclass(frozen=True, slots=True)
class DicomFile:
    """A file that may be decoded: where its parts lie, and those of its attributes that count."""

    syntax: str
    layout: DicomLayout
    attributes: Dataset

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return _read_number(self.attributes, "Columns"), _read_number(self.attributes, "Rows")

    @property
    def frames(self) -> int:
        return _read_number(self.attributes, "NumberOfFrames", 1)

    def read_number(self, keyword: str, default: int = 0) -> int:
        return _read_number(self.attributes, keyword, default)

    def read_code(self, keyword: str) -> str:
        """A defined term in capitals; empty when there is none."""
        return str(self.attributes.get(keyword) or "").strip().upper()


def read_dicom(data: bytes) -> DicomFile:
    """Walk the file, then read what it says; no pixel is decoded.

    Raises:
        UndecodableImageError: unsupported_format for what is no photograph or is packed in a way
            that can't be decoded; mixed_content, truncated or corrupt.
    """
    meta = read_meta(data)
    check_kinds(meta.kind)
    # Before pydicom looks: it would inflate a deflated file, however large it becomes.
    check_syntax(meta.syntax)
    layout = read_layout(data, meta)
    attributes = pydicom.dcmread(BytesIO(data), stop_before_pixels=True, specific_tags=list(_READ))
    found = DicomFile(meta.syntax, layout, attributes)
    _check_kind(found, meta.kind)
    check_surroundings(data, layout)
    if not layout.pixels:
        raise UndecodableImageError(
            "corrupt", "This DICOM file holds no picture. Export the photo again, or send it as JPEG."
        )
    _check_size(found)
    return found


def _check_kind(found: DicomFile, told: str) -> None:
    kinds = {kind for kind in (told, str(found.attributes.get("SOPClassUID") or "")) if kind}
    check_kinds(*kinds)
    if len(kinds) != 1:
        raise UndecodableImageError(
            "corrupt",
            "This DICOM file doesn't say in one voice what it is. Export the photo again, or send it as JPEG.",
        )
    if kinds <= SECONDARY and found.read_code("Modality") not in CAMERAS:
        raise refuse_kind("a picture taken from another device's screen (Secondary Capture)")


def _check_size(found: DicomFile) -> None:
    if min(*found.size, found.frames) < 1:
        raise UndecodableImageError(
            "corrupt",
            "This DICOM file doesn't say how large its picture is. Export the photo again, or send it as JPEG.",
        )


def _read_number(attributes: Dataset, keyword: str, default: int = 0) -> int:
    value: Any = attributes.get(keyword)
    return default if value is None or value == "" else int(value)
