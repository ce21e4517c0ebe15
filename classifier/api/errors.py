"""Problem details (RFC 9457): every error in one shape: type, title, status, code, detail, fields."""

from __future__ import annotations

from typing import Any

from drf_standardized_errors.formatter import ExceptionFormatter, flatten_errors
from rest_framework import exceptions
from rest_framework.response import Response

from classifier.api.problems import INVALID_INPUT, find_problem
from classifier.drf.errors import PortalExceptionHandler

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


class ProblemHandler(PortalExceptionHandler):
    """The handler that both APIs share, answering with problem documents."""

    def get_response(self, exc: exceptions.APIException, data: dict[str, Any]) -> Response:
        response = super().get_response(exc, data)
        response.content_type = PROBLEM_JSON
        return response
