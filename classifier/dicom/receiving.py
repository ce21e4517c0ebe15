"""A DICOM photograph on its way in: what it must not hold, and what its header offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.formats import date_format

from classifier.dicom.anatomy import find_site
from classifier.domain.image import Notice, RejectedImageError
from classifier.domain.vocabulary import BODY_SITES

if TYPE_CHECKING:
    from ml.imaging.dicom.facts import DicomFacts

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
