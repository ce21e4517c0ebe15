"""A photograph on its way out: Dermoscopic Photography Image, or VL Photographic Image for the rest.

The picture is the derivative, byte for byte, so nothing of the received file can come along and
nothing is compressed twice. Every identifier is made of ours and stays the same in each export;
the pseudonymous file has identifiers of its own, as it is another document than the identified one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO
from typing import TYPE_CHECKING

from django.utils import timezone
from PIL import Image, ImageCms
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import DermoscopicPhotographyImageStorage, JPEGBaseline8Bit, VLPhotographicImageStorage

from classifier.dicom.anatomy import SKIN, find_code
from classifier.dicom.identifiers import derive_uid
from classifier.dicom.writing import describe_pixels, make_codes, write_file
from classifier.domain.modalities import MODALITIES
from classifier.domain.vocabulary import CaptureKind, DermoscopicType, Laterality, Sex

if TYPE_CHECKING:
    import uuid

    from classifier.models import Patient, SubmissionImage

MAKER = "Dermaport"
SIDES = {Laterality.LEFT: "L", Laterality.RIGHT: "R", Laterality.MIDLINE: "U"}
SEXES = {Sex.FEMALE: "F", Sex.MALE: "M", Sex.OTHER: "O"}
LIT = {
    DermoscopicType.CONTACT_POLARIZED.value: ("POLARIZED", "CONTACT"),
    DermoscopicType.CONTACT_NON_POLARIZED.value: ("NON_POLARIZED", "CONTACT"),
    DermoscopicType.NON_CONTACT_POLARIZED.value: ("POLARIZED", "NON_CONTACT"),
}
"""Light source polarization and contact method (PS3.3, C.8.12.13) of what the sender said."""
METHOD = "Record number and birth date left out; identifiers replaced"


@dataclass(frozen=True)
class Names:
    """Whose photograph it is said to be."""

    is_identified: bool

    def uid(self, key: uuid.UUID, role: str) -> str:
        return derive_uid(key, role if self.is_identified else f"{role} under a pseudonym")


def build_photograph(image: SubmissionImage, jpeg: bytes, *, is_identified: bool) -> bytes:
    """The DICOM file of one image; `jpeg` is its derivative.

    Without `is_identified` the patient is known by the pseudonym alone. Reads
    `image.submission.lesion.patient` and `image.clinic`.
    """
    names = Names(is_identified)
    dataset = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=bytes(128))
    dataset.SpecificCharacterSet = "ISO_IR 192"
    _put_patient(dataset, image.submission.lesion.patient, names)
    _put_study(dataset, image, names)
    _put_equipment(dataset, image)
    _put_lesion(dataset, image)
    if image.capture_kind == CaptureKind.DERMOSCOPIC:
        _put_dermoscopy(dataset, image, names)
    _put_picture(dataset, jpeg)
    return write_file(dataset, jpeg, JPEGBaseline8Bit)


def _put_patient(dataset: FileDataset, patient: Patient, names: Names) -> None:
    dataset.PatientSex = SEXES.get(Sex(patient.sex), "")
    # The portal holds no name of anybody.
    dataset.PatientName = dataset.PatientBirthDate = ""
    if names.is_identified:
        dataset.PatientID = patient.mrn
        if patient.birth_date:
            dataset.PatientBirthDate = patient.birth_date.strftime("%Y%m%d")
        return
    dataset.PatientID = patient.public_id
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = make_codes(
        codes.DCM.BasicApplicationConfidentialityProfile,
        codes.DCM.RetainLongitudinalTemporalInformationFullDatesOption,
        codes.DCM.RetainPatientCharacteristicsOption,
        codes.DCM.RetainInstitutionIdentityOption,
    )


def _put_study(dataset: FileDataset, image: SubmissionImage, names: Names) -> None:
    """The submission is the study, its images of one class are one series."""
    submission = image.submission
    is_dermoscopic = image.capture_kind == CaptureKind.DERMOSCOPIC
    kind = DermoscopicPhotographyImageStorage if is_dermoscopic else VLPhotographicImageStorage
    modality = MODALITIES[image.capture_kind][0]
    dataset.StudyInstanceUID = names.uid(submission.pk, "study")
    dataset.SeriesInstanceUID = names.uid(submission.pk, f"series {modality}")
    dataset.SOPClassUID = kind
    dataset.SOPInstanceUID = names.uid(image.pk, "instance")
    dataset.Modality = modality
    dataset.SeriesNumber = 1 if is_dermoscopic else 2
    dataset.InstanceNumber = image.position
    dataset.StudyID = dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    made = timezone.localtime(image.created_at)
    # One offset for the whole file, on whichever side of a change of the clocks it was sent.
    submitted = submission.submitted_at.astimezone(dt.timezone(made.utcoffset() or dt.timedelta(0)))
    dataset.StudyDate, dataset.StudyTime = _format_moment(submitted)
    dataset.ContentDate, dataset.ContentTime = _format_moment(made)
    dataset.TimezoneOffsetFromUTC = made.strftime("%z")
    dataset.PatientOrientation = ""
    dataset.ImageType = ["DERIVED", "PRIMARY"]


def _format_moment(moment: dt.datetime) -> tuple[str, str]:
    return moment.strftime("%Y%m%d"), moment.strftime("%H%M%S")


def _put_equipment(dataset: FileDataset, image: SubmissionImage) -> None:
    """Of the camera nothing is known: the portal is what made this object."""
    dataset.Manufacturer = dataset.ManufacturerModelName = MAKER
    dataset.DeviceSerialNumber = str(image.clinic_id)
    dataset.SoftwareVersions = f"pydicom {version('pydicom')}"
    # A backslash begins another value.
    dataset.InstitutionName = image.clinic.name.replace("\\", "/")[:64]


def _put_lesion(dataset: FileDataset, image: SubmissionImage) -> None:
    lesion = image.submission.lesion
    region = find_code(lesion.body_site)
    dataset.AnatomicRegionSequence = make_codes(region)
    if "skin" in region.meaning.lower():  # and not mucosa, or the eye
        dataset.PrimaryAnatomicStructureSequence = make_codes(SKIN)
    if side := SIDES.get(Laterality(lesion.laterality)):
        dataset.ImageLaterality = side
    else:
        dataset.Laterality = ""
    dataset.AcquisitionContextSequence = []


def _put_dermoscopy(dataset: FileDataset, image: SubmissionImage, names: Names) -> None:
    dataset.LightSourcePolarization, dataset.ContactMethod = LIT.get(image.dermoscopic_type, ("", ""))
    if dataset.ContactMethod == "CONTACT":
        dataset.ImmersionMedia = ""
    # Whether a tattoo or a face is in it, nobody looked.
    dataset.EmitterColorTemperature = dataset.OpticalMagnificationFactor = None
    dataset.RecognizableVisualFeatures = "YES"
    lesion = image.submission.lesion
    dataset.TrackingUID = names.uid(lesion.pk, "lesion")
    dataset.TrackingID = f"Lesion {dataset.TrackingUID[-8:]}"


def _put_picture(dataset: FileDataset, jpeg: bytes) -> None:
    with Image.open(BytesIO(jpeg), formats=["JPEG"]) as picture:
        size = picture.size
    # What PS3.3 names for lossy JPEG, whatever the chroma's own sampling.
    describe_pixels(dataset, size, "YBR_FULL_422")
    dataset.LossyImageCompression, dataset.LossyImageCompressionMethod = "01", "ISO_10918_1"
    dataset.LossyImageCompressionRatio = f"{3 * size[0] * size[1] / len(jpeg):.2f}"
    dataset.ICCProfile, dataset.ColorSpace = _make_profile(), "SRGB"


def _make_profile() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes(12)  # the moment it was made: one image, one file
    return bytes(profile)
