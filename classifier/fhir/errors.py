"""OperationOutcome: every error as a FHIR issue code, our own stable code, and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rest_framework import exceptions

from classifier.drf.errors import PortalExceptionHandler
from classifier.fhir.systems import ERROR, coding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rest_framework.response import Response

    from classifier.fhir.systems import JSON

SERVER_ERROR = 500
ISSUE_TYPES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    411: "required",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    503: "transient",
}


@dataclass(frozen=True)
class Issue:
    """One thing that is wrong, and where (a FHIRPath such as `Bundle.entry[0].resource.gender`)."""

    code: str
    text: str
    expression: str = ""
    kind: str = ""
    """FHIR's own issue type; by the status where empty."""


class FhirError(exceptions.APIException):
    """What a FHIR request gets instead of an answer."""

    def __init__(self, status: int, *issues: Issue) -> None:
        super().__init__(issues[0].text, issues[0].code)
        self.status_code = status
        self.issues: Sequence[Issue] = issues


def build_outcome(status: int, issues: Sequence[Issue]) -> JSON:
    return {"resourceType": "OperationOutcome", "issue": [_build_issue(status, issue) for issue in issues]}


def _build_issue(status: int, issue: Issue) -> JSON:
    return {
        "severity": "fatal" if status == SERVER_ERROR else "error",
        "code": issue.kind or ISSUE_TYPES.get(status, "exception"),
        "details": {"coding": [coding(ERROR, issue.code)], "text": issue.text},
        **({"expression": [issue.expression]} if issue.expression else {}),
    }


def build_notices(issues: Sequence[Issue]) -> JSON:
    """What is worth a look and stands in nobody's way."""
    notices = [{**_build_issue(200, issue), "severity": "warning"} for issue in issues]
    return {"resourceType": "OperationOutcome", "issue": notices}


class OutcomeHandler(PortalExceptionHandler):
    """The handler that both APIs share, answering in FHIR's shape."""

    def format_exception(self, exc: exceptions.APIException) -> Any:
        if isinstance(exc, FhirError):
            return build_outcome(exc.status_code, exc.issues)
        return build_outcome(exc.status_code, [*_list_issues(exc.get_full_details())])


def _list_issues(details: Any, expression: str = "") -> list[Issue]:
    if isinstance(details, list):
        return [issue for one in details for issue in _list_issues(one, expression)]
    if set(details) == {"message", "code"} and isinstance(details["message"], str):
        return [Issue(str(details["code"]), details["message"], expression)]
    return [issue for name, one in details.items() for issue in _list_issues(one, name)]


def answer_with_outcome(exc: Exception, context: Any) -> Response | None:
    return OutcomeHandler(exc, context).run()
