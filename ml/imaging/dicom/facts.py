"""DICOM metadata of a photograph besides its picture, each value held to its form."""

import datetime as dt
import math
import re
from dataclasses import dataclass, field
from typing import Final

from ml.imaging.dicom.header import JPEG, JPEG2000, SECONDARY, DicomFile, read_dicom
from ml.imaging.dicom.pixels import join_fragments
from ml.imaging.segments import strip_comments, strip_segments
from ml.imaging.signatures import find_format

_LOSSY: Final = JPEG | {"1.2.840.10008.1.2.4.91"}
_SCHEMES: Final = frozenset({"SCT", "FMA", "DCM"})
_CODE: Final = re.compile(r"[0-9A-Z][0-9A-Z-]{0,15}")
_UID: Final = re.compile(r"[0-9.]{1,64}")
_DAY: Final = re.compile(r"\d{8}")
# Millimetres that one pixel of a photograph of skin may measure: from a microscope's to a whole body's.
_PIXEL_SIDES: Final = (0.0005, 5.0)


@dataclass(frozen=True, slots=True)
class DicomFacts:
    """Codes, identifiers and a date; no words.

    `laterality` is L, R, U, B or empty; `region` the anatomic region as scheme and code, "SCT 113182001";
    `burned_in` whether words stand in the picture, None where the file doesn't say. Identifiers are
    those of the file, empty where they are missing or of no known form. `frame` is the
    compressed picture of `syntax`, freed of every word in it, where that can be done and its samples
    have 8 bits; `colours` what its numbers mean.
    """

    kind: str
    laterality: str
    region: str
    acquired_on: dt.date | None
    burned_in: bool | None
    is_secondary: bool
    is_lossy: bool
    study: str
    series: str
    instance: str
    syntax: str
    frame: bytes | None = field(repr=False)
    colours: str


def read_dicom_facts(data: bytes) -> DicomFacts:
    """Read the facts of a file that `ml.imaging.decoding.read_header` has taken.

    Raises:
        UndecodableImageError: as `ml.imaging.dicom.header.read_dicom`.
    """
    found = read_dicom(data)
    kind = str(found.attributes.get("SOPClassUID") or found.attributes.file_meta.MediaStorageSOPClassUID)
    laterality = found.read_code("ImageLaterality") or found.read_code("Laterality")
    return DicomFacts(
        kind=kind,
        laterality=laterality if laterality in ("L", "R", "U", "B") else "",
        region=_read_region(found),
        acquired_on=_read_day(found),
        burned_in={"YES": True, "NO": False}.get(found.read_code("BurnedInAnnotation")),
        is_secondary=kind in SECONDARY,
        is_lossy=found.syntax in _LOSSY,
        study=_read_uid(found, "StudyInstanceUID"),
        series=_read_uid(found, "SeriesInstanceUID"),
        instance=_read_uid(found, "SOPInstanceUID"),
        syntax=found.syntax,
        frame=_strip_frame(data, found),
        colours=found.read_code("PhotometricInterpretation"),
    )


def read_pixel_side(data: bytes) -> float | None:
    """Return the side of one pixel in millimetres by Pixel Spacing (0028,0030), None where a file doesn't say.

    None as well for pixels that are not square, for a value out of all reason, and for any file but a DICOM
    photograph: the resolution in a JPEG's header is that of a print.
    """
    if find_format(data) != "DICOM":
        return None
    value = read_dicom(data).attributes.get("PixelSpacing")
    try:
        rows, columns = (float(number) for number in value or ())
    except (TypeError, ValueError):
        return None
    low, high = _PIXEL_SIDES
    is_square = math.isclose(rows, columns, rel_tol=0.01)
    return rows if is_square and low <= rows <= high else None


def _strip_frame(data: bytes, found: DicomFile) -> bytes | None:
    if not found.layout.encapsulated or found.read_number("BitsAllocated") != 8:
        return None
    if found.syntax in JPEG:
        return strip_segments(join_fragments(data, found))
    if found.syntax in JPEG2000:
        return strip_comments(join_fragments(data, found))
    return None


def _read_region(found: DicomFile) -> str:
    items = found.attributes.get("AnatomicRegionSequence") or []
    for item in items:
        code, scheme = str(item.get("CodeValue", "")), str(item.get("CodingSchemeDesignator", ""))
        if scheme in _SCHEMES and _CODE.fullmatch(code):
            return f"{scheme} {code}"
    return ""


def _read_day(found: DicomFile) -> dt.date | None:
    for keyword in ("AcquisitionDateTime", "AcquisitionDate"):
        value = str(found.attributes.get(keyword) or "")[:8]
        if _DAY.fullmatch(value):
            try:
                return dt.date(int(value[:4]), int(value[4:6]), int(value[6:]))
            except ValueError:
                continue
    return None


def _read_uid(found: DicomFile, keyword: str) -> str:
    value = str(found.attributes.get(keyword) or "")
    return value if _UID.fullmatch(value) else ""
