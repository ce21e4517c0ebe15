"""An order's case: what was read of it goes to the intake; what is refused is told with its place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.fhir.errors import FhirError, Issue
from classifier.fhir.systems import CONSENT_EXTENSION
from classifier.fhir.viewer import make_request_key
from classifier.intake.submission import Submitted, submit_case
from classifier.intake.uploads import RefusedImagesError, WrongKindError

if TYPE_CHECKING:
    from classifier.fhir.intake.order import IntakeOrder
    from classifier.intake import RejectedImageError
    from portal.trust.accounts.models import User


def submit_order(order: IntakeOrder, *, user: User) -> Submitted:
    """Create the case, or find the one that this identifier made before.

    Raises PermissionDenied, ConflictError, LimitError, UnavailableError or FhirError; then nothing is left
    behind.
    """
    clinic = order.subject.clinic
    system, value = order.identifier
    try:
        return submit_case(
            actor=user,
            clinic=clinic,
            patient=order.subject.patient,
            lesion=order.lesion,
            images=[picture.image for picture in order.pictures],
            question=replace(
                order.question, request_key=make_request_key(clinic.pk, system=system, value=value)
            ),
            how_to_consent=_format_how_to_consent(order),
        )
    except RefusedImagesError as error:
        faults = error.faults.items()
        raise FhirError(422, *(_place_fault(order, index, fault) for index, fault in faults)) from error
    except InvalidInputError as error:
        issue = Issue(error.code, error.message, order.place(error.field), "business-rule")
        raise FhirError(422, issue) from error
    except ConflictError as error:
        if error.field != "request_key":
            raise
        raise FhirError(
            409, Issue(error.code, error.message, order.place(error.field), "duplicate")
        ) from error


def _place_fault(order: IntakeOrder, index: int, fault: RejectedImageError) -> Issue:
    picture = order.pictures[index]
    if isinstance(fault, WrongKindError):
        return Issue(fault.code, fault.message, picture.entry.element.place("modality"), "business-rule")
    return Issue(fault.code, fault.message, picture.at, "processing")


def _format_how_to_consent(order: IntakeOrder) -> str:
    holder = "the Patient or the ServiceRequest" if order.subject.entry else "the ServiceRequest"
    return f"Send the answer with {holder}, as the extension {CONSENT_EXTENSION} with valueBoolean."
