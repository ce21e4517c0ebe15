"""Save an order by the services that the pages and the REST API use."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.api.intake import choose_patient, collect_notices
from classifier.fhir.errors import FhirError, Issue
from classifier.fhir.request_keys import make_request_key
from classifier.fhir.systems import CONSENT_EXTENSION
from classifier.intake import RejectedImageError, inspect_image
from classifier.limits import UploadLimits
from classifier.services.cases import NewPatient, submit_case
from classifier.services.consents import NEVER_ASKED
from classifier.services.errors import ConflictError, InvalidInputError
from classifier.services.images import NewImage
from classifier.services.submissions import Question, find_by_request_key
from classifier.vocabulary import Source
from portal.accounts.permissions import require
from portal.accounts.roles import Action

if TYPE_CHECKING:
    import uuid

    from classifier.fhir.intake.order import Order
    from classifier.models import Patient, Submission
    from portal.accounts.models import User


@dataclass(frozen=True)
class Taken:
    """The case, and whether this request made it and its patient."""

    submission: Submission
    is_new: bool = False
    is_new_patient: bool = False
    notices: dict[int, list[Issue]] = field(default_factory=dict)
    """What is worth a look, by the number of the image."""


def submit_order(order: Order, *, user: User) -> Taken:
    """Create the case, or find the one that this identifier made before.

    Raises PermissionDenied, ConflictError, UnavailableError or FhirError; then nothing is left behind.
    """
    clinic = order.subject.clinic
    require(user, clinic, Action.SUBMIT)
    system, value = order.identifier
    key = make_request_key(clinic.pk, system=system, value=value)
    if earlier := find_by_request_key(clinic_id=clinic.pk, request_key=key):
        _check_same_order(order, earlier)
        return Taken(earlier)
    images = _inspect(order)
    notices = _sort_notices(collect_notices(clinic=clinic, images=images))
    try:
        patient = _find_patient(order)
        submission = _submit(order, patient, images, user=user, key=key)
    except InvalidInputError as error:
        error = _ask_for_consent(error, order)
        issue = Issue(error.code, error.message, _place(order, error.field), "business-rule")
        raise FhirError(422, issue) from error
    return Taken(submission, True, isinstance(patient, NewPatient), notices)


def _submit(
    order: Order, patient: Patient | NewPatient, images: list[NewImage], *, user: User, key: uuid.UUID
) -> Submission:
    def submit(whose: Patient | NewPatient) -> Submission:
        return submit_case(
            actor=user,
            clinic=order.subject.clinic,
            patient=whose,
            lesion=order.lesion,
            images=images,
            question=Question(
                clinical_question=order.clinical_question,
                clinical_history=order.clinical_history,
                priority=order.priority,
                source=Source.API,
                request_key=key,
            ),
            consents_to_inference=order.subject.consents_to_inference,
        )

    try:
        return submit(patient)
    except ConflictError as error:
        if error.code != "mrn_taken":
            raise
        # Somebody created the patient a moment ago: now it is found.
        return submit(_find_patient(order))


def _find_patient(order: Order) -> Patient | NewPatient:
    return order.subject.patient or choose_patient(clinic=order.subject.clinic, data=order.subject.facts)


def _inspect(order: Order) -> list[NewImage]:
    """Look at every image, so that the sender hears of all that is wrong at once."""
    limits = UploadLimits.from_settings()
    taken, issues = [], []
    for picture in order.pictures:
        try:
            found = inspect_image(picture.data, "", limits)
            taken.append(
                NewImage.from_intake(
                    found, capture_kind=picture.capture_kind, dermoscopic_type=picture.dermoscopic_type
                )
            )
        except RejectedImageError as error:
            issues.append(Issue(error.code, error.message, picture.at, "processing"))
    if issues:
        raise FhirError(422, *issues)
    return taken


def _check_same_order(order: Order, earlier: Submission) -> None:
    """An identifier used for something else must not pass for a case that was taken."""
    patient = earlier.lesion.patient
    mrn = " ".join(order.subject.facts.get("patient_mrn", "").split())
    same_patient = order.subject.patient == patient if order.subject.patient else mrn == patient.mrn
    sent = [hashlib.sha256(picture.data).hexdigest() for picture in order.pictures]
    if not same_patient or sent != list(earlier.images.order_by("position").values_list("sha256", flat=True)):
        text = "This identifier was sent before, with another patient or other images. Nothing was saved."
        place = order.request.element.place("identifier[0]")
        raise FhirError(409, Issue("identifier_used", text, place, "duplicate"))


def _sort_notices(notices: list[dict[str, str]]) -> dict[int, list[Issue]]:
    found: dict[int, list[Issue]] = {}
    for notice in notices:
        index = int(notice["attr"].rpartition(".")[2])
        found.setdefault(index, []).append(Issue(notice["code"], notice["detail"], kind="informational"))
    return found


def _ask_for_consent(error: InvalidInputError, order: Order) -> InvalidInputError:
    """The same refusal, saying what a program sends where nobody asked the patient before."""
    if error.message != NEVER_ASKED:
        return error
    holder = "the Patient or the ServiceRequest" if order.subject.part else "the ServiceRequest"
    words = f"{NEVER_ASKED} Send the answer with {holder}, as the extension {CONSENT_EXTENSION} with valueBoolean."
    return InvalidInputError(error.code, words, field="consents_to_inference")


def _place(order: Order, name: str) -> str:
    """Where the field of a service stood in what was sent."""
    request = order.request.element
    patient = order.subject.part.element if order.subject.part else request
    places = {
        "mrn": patient.place("identifier"),
        "patient_mrn": patient.place("identifier"),
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
        **{
            f"images.{number}": picture.part.element.place("modality")
            for number, picture in enumerate(order.pictures)
        },
    }
    return places.get(name, request.at)
