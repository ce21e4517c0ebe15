"""Every error in one shape (RFC 9457): type, title, status, code, detail, fields."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFilesSent
from drf_standardized_errors.formatter import ExceptionFormatter, flatten_errors
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import exceptions
from rest_framework.response import Response

from classifier.api.exceptions import (
    Conflict,
    PreconditionFailed,
    StillRunning,
    TooLarge,
    TooMuch,
    Unavailable,
    Unprocessable,
)
from classifier.api.problems import INVALID_INPUT, find_problem
from classifier.intake import RejectedImageError
from classifier.services.errors import (
    ChangedError,
    ConflictError,
    ContradictionError,
    InvalidInputError,
    LimitError,
    ServiceError,
    UnavailableError,
)

PROBLEM_JSON = "application/problem+json"
WHOLE = "non_field_errors"


class ProblemFormatter(ExceptionFormatter):
    def run(self) -> dict[str, Any]:
        errors = flatten_errors(self.exc.detail)
        fields = [
            {"field": name_field(error.attr), "code": error.code, "detail": error.detail}
            for error in errors
            if error.attr and error.attr != WHOLE
        ]
        whole = next((error for error in errors if error.attr in (None, WHOLE)), None)
        if whole is None and isinstance(self.exc, exceptions.ValidationError):
            code, detail = INVALID_INPUT, describe_fields(fields)
        else:
            first = whole or errors[0]
            code, detail = first.code, first.detail
            # DRF's name for input that is wrong as a whole.
            code = INVALID_INPUT if code == "invalid" else code
        problem = find_problem(code, self.exc.status_code)
        return {
            "type": problem.type,
            "title": problem.title,
            "status": problem.status,
            "code": code,
            "detail": detail,
            "fields": fields,
        }


def name_field(attr: str) -> str:
    """`images.0` rather than `images.0.non_field_errors`, where an entry is wrong as a whole."""
    return attr.removesuffix(f".{WHOLE}")


def describe_fields(fields: list[dict[str, str]]) -> str:
    if len(fields) == 1:
        return fields[0]["detail"]
    return f"{len(fields)} fields can't be taken as they are; fields says why."


class PortalExceptionHandler(ExceptionHandler):
    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, ServiceError):
            return convert_service_error(exc)
        if isinstance(exc, DjangoPermissionDenied):
            return exceptions.PermissionDenied(str(exc) or None)
        if isinstance(exc, RequestDataTooBig):
            return TooLarge()
        if isinstance(exc, TooManyFilesSent):
            return exceptions.ParseError("This request holds too many files.", "too_many_files")
        if isinstance(exc, SuspiciousOperation):
            return exceptions.ParseError()
        return super().convert_known_exceptions(exc)

    def get_response(self, exc: exceptions.APIException, data: dict[str, Any]) -> Response:
        response = super().get_response(exc, data)
        response.content_type = PROBLEM_JSON
        return response

    def report_exception(self, exc: exceptions.APIException, response: Response) -> None:
        # A part that is away is told where it was noticed; only a bug is raised to the operator.
        if not isinstance(exc, Unavailable):
            super().report_exception(exc, response)


KINDS: dict[type[ServiceError], type[exceptions.APIException]] = {
    ConflictError: Conflict,
    ChangedError: PreconditionFailed,
    ContradictionError: Unprocessable,
    LimitError: TooMuch,
    UnavailableError: Unavailable,
}


def convert_service_error(error: ServiceError) -> exceptions.APIException:
    """Keep code, message and field; the kind of error decides the status."""
    detail = exceptions.ErrorDetail(error.message, error.code)
    if isinstance(error, InvalidInputError):
        return exceptions.ValidationError({error.field: [detail]} if error.field else [detail])
    known = next((kind for base, kind in KINDS.items() if isinstance(error, base)), None)
    if known is None:
        return exceptions.APIException(detail)
    converted = StillRunning() if error.code == "request_in_progress" else known()
    converted.detail = {error.field: detail} if error.field else detail
    return converted


def refuse_images(refusals: dict[int, RejectedImageError]) -> exceptions.ValidationError:
    """One error an image that can't be taken, at `images.N` (0 is the first sent)."""
    return exceptions.ValidationError(
        {
            f"images.{index}": [exceptions.ErrorDetail(error.message, error.code)]
            for index, error in refusals.items()
        }
    )
