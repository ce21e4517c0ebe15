"""DICOM files written: the header of the file, its pixels, and coded concepts."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from classifier.dicom.identifiers import IMPLEMENTATION, IMPLEMENTATION_NAME, make_uid

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset
    from pydicom.sr.coding import Code


def write_file(dataset: FileDataset, picture: bytes, syntax: str) -> bytes:
    """The file of `dataset` with `picture`, one frame stored by the transfer syntax `syntax`."""
    meta = dataset.file_meta
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID(make_uid(IMPLEMENTATION))
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    is_packed = meta.TransferSyntaxUID.is_encapsulated
    dataset.PixelData = encapsulate([picture]) if is_packed else picture + bytes(len(picture) % 2)
    dataset["PixelData"].VR = "OB"
    target = BytesIO()
    dataset.save_as(target, enforce_file_format=True)
    return target.getvalue()


def describe_pixels(dataset: FileDataset, size: tuple[int, int], colours: str) -> None:
    """Eight bits a sample; `size` is (width, height)."""
    is_grey = colours.startswith("MONOCHROME")
    dataset.Columns, dataset.Rows = size
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1 if is_grey else 3, colours
    if not is_grey:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0


def make_codes(*found: Code) -> list[Dataset]:
    """A sequence of coded concepts: value, scheme and the standard's own meaning of each."""
    items = []
    for code in found:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = (
            code.value,
            code.scheme_designator,
            code.meaning,
        )
        items.append(item)
    return items
