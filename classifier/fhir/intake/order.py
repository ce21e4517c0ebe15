"""ServiceRequest: from a bundle to a case; all is read and found right before anything is saved."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile

from classifier.domain.errors import InvalidInputError
from classifier.domain.modalities import KINDS
from classifier.domain.vocabulary import CaptureKind, Priority, Source
from classifier.fhir.errors import FhirError, Issue
from classifier.fhir.intake.bundle import check_condition
from classifier.fhir.intake.patients import IntakePatient, read_lesion, read_subject
from classifier.fhir.systems import CAPTURE_KIND, DERMOSCOPIC_TYPE, DICOM
from classifier.intake.submission import Question
from classifier.intake.uploads import SentImage, check_image_count

if TYPE_CHECKING:
    from classifier.fhir.intake.bundle import BundleEntry, OrderBundle
    from classifier.fhir.intake.elements import Element
    from classifier.intake.submission import CaseLesion
    from portal.trust.accounts.models import User

PRIORITIES = {
    "": Priority.ROUTINE,
    "routine": Priority.ROUTINE,
    "urgent": Priority.URGENT,
    "asap": Priority.URGENT,
    "stat": Priority.URGENT,
}
VALUE_LIMIT = 255
COUNT_KINDS = {"no_images": "required", "too_many_images": "too-costly"}
MODALITY_UNKNOWN = (
    f"No code here says what kind of picture this is. Send {' or '.join(KINDS)} of {DICOM}, or "
    f"{', '.join(CaptureKind.values)} of {CAPTURE_KIND}."
)


@dataclass(frozen=True)
class MediaImage:
    """The image of a Media, and where its bytes stood."""

    entry: BundleEntry
    image: SentImage
    at: str
    binary: BundleEntry | None


@dataclass(frozen=True)
class IntakeOrder:
    request: BundleEntry
    identifier: tuple[str, str]
    subject: IntakePatient
    lesion: CaseLesion
    pictures: list[MediaImage]
    question: Question

    def place(self, name: str) -> str:
        """Where the field of a service stood in what was sent."""
        request = self.request.element
        patient = self.subject.entry.element if self.subject.entry else request
        places = {
            "mrn": patient.place("identifier"),
            "birth_date": patient.place("birthDate"),
            "sex": patient.place("gender"),
            "skin_type": patient.place("extension"),
            "clinical_question": request.place("reasonCode"),
            "clinical_history": request.place("note"),
            "body_site": request.place("bodySite"),
            "laterality": request.place("bodySite"),
            "note": request.place("bodySite"),
            "patient": request.place("subject"),
            "consents_to_inference": patient.place("extension"),
            "request_key": request.place("identifier[0]"),
        }
        return places.get(name, request.at)


def read_order(bundle: OrderBundle, *, user: User) -> IntakeOrder:
    """Raises FhirError (422) with every fault that was found."""
    requests = bundle.of("ServiceRequest")
    if len(requests) != 1:
        text = f"An order holds one ServiceRequest; this one holds {len(requests)}."
        raise FhirError(422, *bundle.issues, Issue("one_request", text, kind="business-rule"))
    request = requests[0].element
    identifier = _read_identifier(request)
    check_condition(requests[0], *identifier)
    _check_subjects(bundle, request.child("subject").text("reference"))
    if request.text("status") != "active":
        request.refuse("unsupported_status", "Only what is active can be taken.", name="status")
    priority = PRIORITIES.get(request.text("priority"))
    if priority is None:
        request.refuse(
            "priority_unknown", f"Known are {', '.join(filter(None, PRIORITIES))}.", name="priority"
        )
    subject = read_subject(bundle, request, user=user)
    lesion = read_lesion(bundle, request, subject, user=user) if subject else None
    pictures = _read_pictures(bundle, request)
    question = " ".join(_list_words(request, "reasonCode"))
    history = "\n".join(filter(None, (note.text("text") for note in request.children("note"))))
    bundle.stop_if_wrong()
    if subject is None or lesion is None or priority is None:
        raise AssertionError("what is missing was told")
    return IntakeOrder(
        request=requests[0],
        identifier=identifier,
        subject=subject,
        lesion=lesion,
        pictures=pictures,
        question=Question(
            clinical_question=question, clinical_history=history, priority=priority, source=Source.API
        ),
    )


def _read_identifier(request: Element) -> tuple[str, str]:
    found = next(iter(request.children("identifier")), None)
    if found is None:
        text = "Give an identifier of your own: sent again, it gives the case that it made first."
        request.refuse("required", text, name="identifier", kind="required")
        return "", ""
    value = found.text("value", needed="Give the identifier's value.")
    if len(value) > VALUE_LIMIT:
        text = f"The identifier has {len(value):,} characters; the limit is {VALUE_LIMIT}."
        found.refuse("identifier_too_long", text, name="value", kind="too-long")
    return found.text("system"), value


def _check_subjects(bundle: OrderBundle, expected: str) -> None:
    """Every entry speaks of one patient: a slip here would put a lesion into another's history."""
    for kind, name in (("Media", "subject"), ("BodyStructure", "patient")):
        for entry in bundle.of(kind):
            named = entry.element.child(name).text("reference")
            if named and named.removeprefix(f"{bundle.base}/") != expected.removeprefix(f"{bundle.base}/"):
                entry.element.refuse("another_patient", "The ServiceRequest's subject is another.", name=name)


def _list_words(request: Element, name: str) -> list[str]:
    words = []
    for concept in request.children(name):
        displays = [coding.text("display") for coding in concept.children("coding")]
        words.append(concept.text("text") or next(filter(None, displays), ""))
    return [word for word in words if word]


def _read_pictures(bundle: OrderBundle, request: Element) -> list[MediaImage]:
    media = bundle.of("Media")
    try:
        check_image_count(len(media))
    except InvalidInputError as error:
        request.refuse(error.code, error.message, kind=COUNT_KINDS[error.code])
        if media:
            return []
    pictures = [_read_picture(bundle, entry) for entry in media]
    used = [picture.binary for picture in pictures]
    for binary in bundle.of("Binary"):
        if not any(binary is one for one in used):
            binary.element.refuse("not_referred_to", "No Media's content.url names it.", kind="invalid")
    return pictures


def _read_picture(bundle: OrderBundle, entry: BundleEntry) -> MediaImage:
    content = entry.element.child("content")
    binary = bundle.resolve(content.text("url")) if "url" in content.value else None
    holder = binary.element if binary is not None and binary.kind == "Binary" else content
    text = holder.text("data", needed="Give the image in base64, or the fullUrl of a Binary as content.url.")
    kind, dermoscopic_type = _read_kind(entry.element.child("modality"))
    image = SentImage(ContentFile(_decode(holder, text)), kind, dermoscopic_type)
    return MediaImage(entry, image, holder.place("data"), binary)


def _read_kind(modality: Element) -> tuple[str, str]:
    """The kind by our own code, else by DICOM's modality; and how it was lit, by our own code alone.

    Only what has no code at all is taken for dermoscopic: a code that we don't know says that the picture
    is something else, and the model must not judge it.
    """
    kind, by_modality, lit, unknown = "", "", "", []
    for one in modality.children("coding"):
        system, code = one.text("system"), one.text("code")
        if system == CAPTURE_KIND:
            kind = code
        elif system == DERMOSCOPIC_TYPE:
            lit = code
        elif code in KINDS:
            by_modality = by_modality or KINDS[code]
        elif code:
            unknown.append((system, code))
    # Another system's code may stand beside one that we know; another of DICOM's contradicts it.
    is_riddle = unknown and (not by_modality or any(system == DICOM for system, _ in unknown))
    if is_riddle and not kind:
        modality.refuse("modality_unknown", MODALITY_UNKNOWN, kind="code-invalid")
    return kind or by_modality or CaptureKind.DERMOSCOPIC, lit


def _decode(holder: Element, text: str) -> bytes:
    try:
        # FHIR lets base64 be broken into lines.
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        holder.refuse("invalid_base64", "This is no base64.", name="data")
        return b""
