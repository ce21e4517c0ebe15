"""Exception handler: which HTTP answer each refusal becomes, for the REST API and FHIR alike."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFilesSent
from django.http import UnreadablePostError
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import exceptions
from rest_framework.response import Response

from classifier.domain.errors import (
    ChangedError,
    ConflictError,
    ContradictionError,
    InvalidInputError,
    LimitError,
    ServiceError,
    UnavailableError,
)
from classifier.domain.limits import describe_bytes
from classifier.drf.exceptions import (
    Conflict,
    LengthRequired,
    PreconditionFailed,
    StillRunning,
    TooLarge,
    TooMuch,
    Unavailable,
    Unprocessable,
)
from classifier.intake.uploads import RefusedImagesError
from portal.trust.common.chunked_bodies import BodyTooLargeError, LengthRequiredError


class PortalExceptionHandler(ExceptionHandler):
    """Knows the errors of services and of Django; each API adds the shape of its answers."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, ServiceError):
            return convert_service_error(exc)
        if isinstance(exc, DjangoPermissionDenied):
            return exceptions.PermissionDenied(str(exc) or None)
        if (unread := convert_unread_body(exc)) is not None:
            return unread
        if isinstance(exc, SuspiciousOperation):
            return exceptions.ParseError()
        return super().convert_known_exceptions(exc)

    def report_exception(self, exc: exceptions.APIException, response: Response) -> None:
        # A part that is away is told where it was noticed; only a bug is raised to the operator.
        if not isinstance(exc, Unavailable):
            super().report_exception(exc, response)


def convert_unread_body(exc: Exception) -> exceptions.APIException | None:
    """What is told of a body that can't be taken whole; None for any other error."""
    if isinstance(exc, BodyTooLargeError):
        received = describe_bytes(exc.received) if exc.received else f"more than {describe_bytes(exc.most)}"
        return TooLarge(f"This body is {received}; at most {describe_bytes(exc.most)} are accepted.")
    if isinstance(exc, RequestDataTooBig):
        most = describe_bytes(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        return TooLarge(f"The text of this request is larger than the site takes: at most {most}.")
    if isinstance(exc, LengthRequiredError):
        return LengthRequired(exc.message)
    if isinstance(exc, UnreadablePostError):
        return exceptions.ParseError("The body was cut off before its end. Nothing was kept; send it again.")
    if isinstance(exc, TooManyFilesSent):
        return exceptions.ParseError("This request holds too many files.", "too_many_files")
    return None


KINDS: dict[type[ServiceError], type[exceptions.APIException]] = {
    ConflictError: Conflict,
    ChangedError: PreconditionFailed,
    ContradictionError: Unprocessable,
    LimitError: TooMuch,
    UnavailableError: Unavailable,
}


def convert_service_error(error: ServiceError) -> exceptions.APIException:
    """Keep code, message and field; the kind of error decides the status."""
    if isinstance(error, RefusedImagesError):
        faults = error.faults.items()
        return exceptions.ValidationError(
            {f"images.{index}": [exceptions.ErrorDetail(one.message, one.code)] for index, one in faults}
        )
    detail = exceptions.ErrorDetail(error.message, error.code)
    if isinstance(error, InvalidInputError):
        return exceptions.ValidationError({error.field: [detail]} if error.field else [detail])
    known = next((kind for base, kind in KINDS.items() if isinstance(error, base)), None)
    if known is None:
        return exceptions.APIException(detail)
    converted = StillRunning() if error.code == "request_in_progress" else known()
    converted.detail = {error.field: detail} if error.field else detail
    return converted
