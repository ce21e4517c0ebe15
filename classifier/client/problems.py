"""An answer that is an error, as the exception that tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from classifier.client.errors import ApiError, FieldError
from classifier.client.retrying import read_retry_after


def read_problem(answer: httpx.Response) -> ApiError:
    """Of problem+json, of FHIR's OperationOutcome, or of whatever a proxy says."""
    told = read_object(answer)
    fields = told.get("fields")
    retry_after = read_retry_after(answer)
    if told.get("resourceType") == "OperationOutcome":
        return read_outcome(answer.status_code, told, retry_after)
    return ApiError(
        answer.status_code,
        str(told.get("code") or "unexplained"),
        str(told.get("detail") or ""),
        fields=tuple(
            FieldError(
                field=str(one.get("field")), code=str(one.get("code")), detail=str(one.get("detail") or "")
            )
            for one in (fields if isinstance(fields, list) else ())
            if isinstance(one, Mapping)
        ),
        retry_after=retry_after,
    )


def read_outcome(status: int, told: Mapping[str, Any], retry_after: float | None) -> ApiError:
    try:
        (issue, *_) = told["issue"]
        (coding, *_) = issue["details"]["coding"]
        detail = str(issue["details"].get("text") or issue.get("diagnostics") or "")
        return ApiError(status, str(coding["code"]), detail, retry_after=retry_after)
    except (KeyError, TypeError, ValueError):
        return ApiError(status, "unexplained", retry_after=retry_after)


def read_object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, Mapping) else {}
