"""Images to export, and what comes out."""

from io import BytesIO

import pydicom

from classifier.domain.vocabulary import Sex
from classifier.exports.dicom import PSEUDONYMOUS, export_image
from tests.factories import LesionFactory, PatientFactory, SubmissionFactory, SubmissionImageFactory


def make_image(staff, **changes):
    patient = PatientFactory(clinic=staff.clinic, mrn="MRN-QUACK", sex=changes.pop("sex", Sex.FEMALE))
    site = {name: changes.pop(name) for name in ("body_site", "laterality") if name in changes}
    submission = SubmissionFactory(clinic=staff.clinic, lesion=LesionFactory(patient=patient, **site))
    return SubmissionImageFactory(submission=submission, with_files=True, **changes)


def export(staff, image, naming=PSEUDONYMOUS, actor=None):
    taken = export_image(actor=actor or staff.clinician, image_id=image.pk, naming=naming)
    return pydicom.dcmread(BytesIO(taken.data))
