"""Errors of the client: what can go wrong, told by codes.

The text of an error names codes and fields and repeats nothing that was sent or received, so that
it may stand in any log. What the server says to people is in `detail`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx


class ClientError(Exception):
    """Everything that this client raises."""


class ConfigurationError(ClientError):
    """The client can't start: no address, no token, or one that it won't use."""


class LostConnectionError(ClientError):
    """No answer came, however often it was tried. Whether the server did the work is not known."""


class ProtocolError(ClientError):
    """An answer that is not what the API promises."""


class StoppedError(ClientError):
    """The client was told to stop while it waited."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class FieldError:
    """One field that is wrong; `images.0` is the first image."""

    field: str
    code: str
    detail: str = dataclasses.field(repr=False)


class ApiError(ClientError):
    """The server refused. `code` is one of those that /api/v1/errors/ explains."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        fields: tuple[FieldError, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        where = ", ".join(f"{one.field}: {one.code}" for one in fields)
        super().__init__(f"{status} {code}" + (f" ({where})" if where else ""))
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = fields
        self.retry_after = retry_after


class WaitTimeoutError(ClientError):
    """A case was not finished in time. It goes on: wait again later."""

    def __init__(self, submission: str, seconds: float) -> None:
        super().__init__(f"Submission {submission} was not finished after {seconds:.0f} s.")
        self.submission = submission


# --- Retry policy -------------------------------------------------------------------------------


TOO_MANY, CONFLICT, UNAVAILABLE = 429, 409, 503
GATEWAY = frozenset({502, 504})
"""From a proxy whose server is away: nothing came through, or its answer was lost."""
OPERATORS = frozenset({"no_active_model"})
"""503 that only a person ends."""
PENDING = "request_in_progress"


@dataclass(frozen=True)
class RetryPolicy:
    """Calls are made again for `patience` seconds at most, after pauses that grow up to `longest`.

    A pause that the server asks for (Retry-After) is kept; one that is longer than the patience left
    ends the attempts at once.
    """

    patience: float = 300.0
    first: float = 0.5
    longest: float = 30.0

    def pause(self, attempt: int) -> float:
        """After the failure number `attempt`, from 0, where the server named none."""
        return float(min(self.longest, self.first * 2 ** min(attempt, 16)))


def may_repeat(problem: ApiError, *, is_safe: bool) -> bool:
    """Whether the same request may come again; `is_safe`: done twice it counts once."""
    if problem.status == TOO_MANY:
        return True
    if problem.status == UNAVAILABLE:
        return problem.code not in OPERATORS
    if problem.status == CONFLICT:
        return problem.code == PENDING
    return is_safe and problem.status in GATEWAY


def read_retry_after(answer: httpx.Response) -> float | None:
    """Seconds, of a number or a date; None where there is none that can be read."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - dt.datetime.now(dt.UTC)).total_seconds())


# --- Exceptions from answers --------------------------------------------------------------------


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
