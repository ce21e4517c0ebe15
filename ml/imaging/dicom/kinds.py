"""Which DICOM files are photographs, and how their pictures may be stored."""

from typing import Final

from pydicom.uid import UID

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
