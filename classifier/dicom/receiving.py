"""Take a DICOM photograph in: what it must not hold, what it offers, and what of it is kept.

What is sealed is written anew: a list of what may be in it, not of what has to come out (the Basic
Application Level Confidentiality Profile, PS3.15 E.2, by clearing more than it asks for). Nothing
received is copied into it but codes of a known form and the picture. JPEG and JPEG 2000 stay as they
are but for their comments, which hold a name as well as a header does; everything else becomes plain
pixels.
"""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import TYPE_CHECKING

from django.utils.formats import date_format
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sr.codedict import codes
from pydicom.uid import UID, ExplicitVRLittleEndian

from classifier.dicom.anatomy import find_site
from classifier.dicom.coding import make_codes
from classifier.dicom.identifiers import IMPLEMENTATION, IMPLEMENTATION_NAME, make_uid, replace_uid
from classifier.inference import UnusableImageError, decode_image
from classifier.intake.image import Notice, RejectedImageError
from classifier.vocabulary import BODY_SITES

if TYPE_CHECKING:
    from PIL import Image

    from ml.dicom_facts import DicomFacts

METHOD = "Written anew: allowed attributes and the picture only"
SIDES = {"L": "left", "R": "right", "U": "midline", "B": "both sides"}


def check_received(facts: DicomFacts) -> None:
    """Refuse a picture with words in it. Raises RejectedImageError (burned_in)."""
    if facts.burned_in:
        raise RejectedImageError(
            "burned_in",
            "This DICOM file says that words stand in its picture (Burned In Annotation is YES), and they "
            "may name the patient. Export the photo without them.",
        )


def find_notices(facts: DicomFacts) -> list[Notice]:
    if not (facts.is_secondary and facts.burned_in is None):
        return []
    message = "This file doesn't say whether words stand in its picture. Check that none names the patient."
    return [Notice("words_unknown", message)]


def describe_facts(facts: DicomFacts) -> str:
    """What the header offers, in a sentence for the person who sends it; empty when nothing."""
    site = find_site(facts.region)
    said = [
        BODY_SITES[site].lower() if site else "",
        SIDES.get(facts.laterality, ""),
        f"taken on {date_format(facts.acquired_on, 'j F Y')}" if facts.acquired_on else "",
    ]
    words = ", ".join(part for part in said if part)
    return f"The file's header says: {words}. It fills in nothing." if words else ""


def seal_photograph(data: bytes, pixels: Image.Image, facts: DicomFacts) -> bytes:
    """The de-identified file: the picture as it was decoded, and of `facts` what names nobody.

    The same file gives the same bytes, and two of one study still name the same study.
    """
    missing = hashlib.sha256(data).hexdigest()
    if facts.frame:
        sealed = _write(_describe(facts, missing), facts.frame, facts.colours, facts.syntax, pixels.size)
        if _shows(sealed, pixels):
            return sealed
    return _write(_describe(facts, missing), pixels.tobytes(), "RGB", ExplicitVRLittleEndian, pixels.size)


def _shows(sealed: bytes, pixels: Image.Image) -> bool:
    """Whether the very pixels come of it: not without the profile that the header held, for one."""
    try:
        return decode_image(sealed).tobytes() == pixels.tobytes()
    except UnusableImageError:
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
    dataset.Modality = facts.modality
    if facts.laterality:
        dataset.ImageLaterality = facts.laterality
    if facts.burned_in is False:
        dataset.BurnedInAnnotation = "NO"
    if facts.is_lossy:
        dataset.LossyImageCompression = "01"
    return dataset


def _write(dataset: FileDataset, picture: bytes, colours: str, syntax: str, size: tuple[int, int]) -> bytes:
    is_grey = colours.startswith("MONOCHROME")
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1 if is_grey else 3, colours
    if not is_grey:
        dataset.PlanarConfiguration = 0
    dataset.Columns, dataset.Rows = size
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    meta = dataset.file_meta
    meta.TransferSyntaxUID = UID(syntax)
    is_packed = meta.TransferSyntaxUID.is_encapsulated
    dataset.PixelData = encapsulate([picture]) if is_packed else picture + bytes(len(picture) % 2)
    dataset["PixelData"].VR = "OB"
    meta.ImplementationClassUID = UID(make_uid(IMPLEMENTATION))
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    target = BytesIO()
    dataset.save_as(target, enforce_file_format=True)
    return target.getvalue()
