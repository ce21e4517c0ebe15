"""DICOM header: which files are photographs, and what they say of their own picture.

Of all the attributes pydicom is given those of `_READ` and no others. A patient's name never
becomes a value here, so it can't reach a message, a warning or a traceback.
"""

import logging
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import pydicom
from pydicom import config
from pydicom.dataset import Dataset
from pydicom.uid import UID

from ml.imaging.dicom.structure import DicomLayout, check_surroundings, read_layout, read_meta
from ml.imaging.errors import UndecodableImageError

DERMOSCOPIC: Final = "1.2.840.10008.5.1.4.1.1.77.1.7"
PHOTOGRAPHIC: Final = "1.2.840.10008.5.1.4.1.1.77.1.4"
# Many gateways wrap a camera's photo so, for want of a camera that speaks DICOM.
SECONDARY: Final = frozenset({"1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7.4"})
_PHOTOGRAPHS: Final = frozenset({DERMOSCOPIC, PHOTOGRAPHIC}) | SECONDARY
# External camera, dermoscopy, other: not a screen of a scanner, which is stored as its modality.
CAMERAS: Final = frozenset({"", "XC", "DMS", "OT"})

NATIVE: Final = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"})
RLE: Final = "1.2.840.10008.1.2.5"
JPEG: Final = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"})
JPEG2000: Final = frozenset({"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"})
_SYNTAXES: Final = NATIVE | {RLE} | JPEG | JPEG2000


def check_kinds(*kinds: str) -> None:
    """Refuse SOP classes that are no photographs; an empty one is passed over."""
    for kind in kinds:
        if kind and kind not in _PHOTOGRAPHS:
            raise refuse_kind(_name_kind(kind))


def _name_kind(kind: str) -> str:
    """The standard's name of a kind of file; one that it doesn't name is not quoted."""
    name = UID(kind).name
    if name == kind:
        return "of a kind this portal doesn't know"
    return f"of the kind “{name.removesuffix(' Storage')}”"


def refuse_kind(what: str) -> UndecodableImageError:
    """Return the refusal (unsupported_format) of a file that is `what` and no photograph."""
    message = (
        f"This DICOM file is {what}; a photograph is needed (Dermoscopic Photography, VL Photographic "
        "or a photo stored as Secondary Capture). Send the photo of the lesion itself."
    )
    return UndecodableImageError("unsupported_format", message)


def check_syntax(syntax: str) -> None:
    """Refuse a transfer syntax that is not decoded here."""
    if syntax in _SYNTAXES:
        return
    name = UID(syntax).name
    how = f"as “{name}”" if name != syntax else "in an unknown way"
    message = (
        f"The picture in this DICOM file is stored {how}; uncompressed, RLE, JPEG (8 bit) or JPEG 2000 "
        "is needed. Export it in one of these, or send the photo as JPEG."
    )
    raise UndecodableImageError("unsupported_format", message)


# --- Reading

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
    "PixelSpacing",
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
        """Number of pictures in the file, 1 where it says none."""
        return _read_number(self.attributes, "NumberOfFrames", 1)

    def read_number(self, keyword: str, default: int = 0) -> int:
        """Return the whole number of an attribute, `default` where there is none; raises ValueError."""
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
