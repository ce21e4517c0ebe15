"""What is kept of a received DICOM photograph.

It is written anew: a list of what may be in it, not of what has to come out (the Basic Application
Level Confidentiality Profile, PS3.15 E.2, by clearing more than it asks for). Nothing received is
copied into it but codes of a known form and the picture. JPEG and JPEG 2000 stay as they are but for
their comments, which hold a name as well as a header does; everything else becomes plain pixels.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID, DermoscopicPhotographyImageStorage, ExplicitVRLittleEndian

from classifier.dicom.identifiers import replace_uid
from classifier.dicom.writing import describe_pixels, make_codes, write_file
from classifier.domain.modalities import MODALITIES
from classifier.domain.vocabulary import CaptureKind
from ml.imaging.decoding import decode_image
from ml.imaging.errors import UndecodableImageError

if TYPE_CHECKING:
    from PIL import Image

    from ml.imaging.dicom.facts import DicomFacts

METHOD = "Written anew: allowed attributes and the picture only"


def seal_photograph(data: bytes, pixels: Image.Image, facts: DicomFacts) -> bytes:
    """The de-identified file: the picture as it was decoded, and of `facts` what names nobody.

    The same file gives the same bytes, and two of one study still name the same study.
    """
    missing = hashlib.sha256(data).hexdigest()
    if facts.frame:
        sealed = _write(facts, missing, (facts.frame, facts.colours, facts.syntax), pixels.size)
        if _shows(sealed, pixels):
            return sealed
    return _write(facts, missing, (pixels.tobytes(), "RGB", ExplicitVRLittleEndian), pixels.size)


def _shows(sealed: bytes, pixels: Image.Image) -> bool:
    """Whether the very pixels come of it: not without the profile that the header held, for one."""
    try:
        return decode_image(sealed).tobytes() == pixels.tobytes()
    except UndecodableImageError:
        return False


def _describe(facts: DicomFacts, missing: str) -> FileDataset:
    dataset = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=bytes(128))
    dataset.PatientName = dataset.PatientID = dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = make_codes(codes.DCM.BasicApplicationConfidentialityProfile)
    dataset.StudyInstanceUID = replace_uid(facts.study or missing)
    dataset.SeriesInstanceUID = replace_uid(facts.series or missing)
    dataset.SOPClassUID = UID(facts.kind)
    dataset.SOPInstanceUID = replace_uid(facts.instance or missing)
    is_dermoscopic = facts.kind == DermoscopicPhotographyImageStorage
    dataset.Modality = MODALITIES[CaptureKind.DERMOSCOPIC if is_dermoscopic else CaptureKind.CLINICAL][0]
    if facts.laterality:
        dataset.ImageLaterality = facts.laterality
    if facts.burned_in is False:
        dataset.BurnedInAnnotation = "NO"
    if facts.is_lossy:
        dataset.LossyImageCompression = "01"
    return dataset


def _write(facts: DicomFacts, missing: str, stored: tuple[bytes, str, str], size: tuple[int, int]) -> bytes:
    picture, colours, syntax = stored
    dataset = _describe(facts, missing)
    describe_pixels(dataset, size, colours)
    return write_file(dataset, picture, syntax)
