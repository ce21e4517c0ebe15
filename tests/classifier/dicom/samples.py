"""DICOM photographs built here: a drawn picture in every way that a file may store it."""

from io import BytesIO

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from tests.classifier.intake.samples import draw_picture, encode

DERMOSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.7"
PHOTOGRAPHIC = "1.2.840.10008.5.1.4.1.1.77.1.4"
SECONDARY = "1.2.840.10008.5.1.4.1.1.7"
STUDY, SERIES, INSTANCE = "1.2.3.4.1", "1.2.3.4.1.1", "1.2.3.4.1.1.1"


def build_dicom(picture=None, syntax=ExplicitVRLittleEndian, **changes):
    """A photograph; `changes` sets attributes by keyword, or leaves one out where it is None."""
    dataset = describe(picture or draw_picture(), syntax)
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return write(dataset)


def describe(picture, syntax=ExplicitVRLittleEndian):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID("1.2.3.4")
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = UID(DERMOSCOPIC), UID(INSTANCE)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = UID(STUDY), UID(SERIES)
    dataset.Modality = "DMS"
    dataset.PatientName, dataset.PatientID = "Quackenbush^Zebediah", "MRN-1"
    put_pixels(dataset, np.asarray(picture), "RGB")
    if syntax == JPEGBaseline8Bit:
        dataset.PhotometricInterpretation = "YBR_FULL_422"
        dataset.PixelData = encapsulate([encode(picture, "JPEG", quality=95)])
    elif syntax == JPEG2000Lossless:
        dataset.PhotometricInterpretation = "YBR_RCT"
        frame = encode(picture, "JPEG2000", irreversible=False, mct=1, no_jp2=True)
        dataset.PixelData = encapsulate([frame])
    elif syntax == RLELossless:
        pack_runs(dataset)
    return dataset


def put_pixels(dataset, samples, meaning):
    """Native pixels of shape (rows, columns) or (rows, columns, 3), uint8 or uint16."""
    dataset.Rows, dataset.Columns = samples.shape[:2]
    dataset.SamplesPerPixel = 1 if samples.ndim == 2 else 3
    dataset.PhotometricInterpretation = meaning
    if samples.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = samples.itemsize * 8
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    data = samples.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)


def pack_runs(dataset):
    dataset["PixelData"].VR = "OW"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)


def write(dataset):
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", UID(DERMOSCOPIC))
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", UID(INSTANCE))
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    else:
        dataset["PixelData"].VR = "OW"
    target = BytesIO()
    dataset.save_as(target, enforce_file_format=True)
    return target.getvalue()


SYNTAXES = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg": JPEGBaseline8Bit,
    "jpeg2000": JPEG2000Lossless,
}
