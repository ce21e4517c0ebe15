"""Refused requests leave audit events: what was asked for and by whom, never the words of it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import structlog

from portal.trust.audit.tallies import record_bounded

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

FAILED = 500


def mark_asked(request: HttpRequest) -> None:
    """Say that this answer only asks who somebody is: no log calls it a refusal."""
    mark_recorded(request)
    structlog.contextvars.bind_contextvars(asked_again=True)


def mark_recorded(request: HttpRequest) -> None:
    """Say that this refusal has an event of its own, which knows more than the answer tells."""
    request.refusal_recorded = True  # type: ignore[attr-defined]  # read by the middleware below


class AuditRefusalsMiddleware:
    """Record each 403, 429 and 5xx, each 401 of a wrong token, and each 404 of a row that a person asked for.

    A row of another clinic and one that never was look alike to the caller, and here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if getattr(request, "refusal_recorded", False):
            return response
        if response.status_code >= 400 and (action := _name(request, response.status_code)):  # noqa: PLR2004
            _record(request, response.status_code, action)
        return response


def _name(request: HttpRequest, status: int) -> str:
    if status >= FAILED:
        return "request.failed"
    known = request.user.is_authenticated if hasattr(request, "user") else False
    if status == 404:  # noqa: PLR2004
        return "access.not_found" if known and request.resolver_match else ""
    if status == 401:  # noqa: PLR2004
        # Without a token nobody tried anything: a session ended, or a program asked how to log in.
        return "token.refused" if "Authorization" in request.headers else ""
    return {403: "access.refused", 429: "access.throttled"}.get(status, "")


def _record(request: HttpRequest, status: int, action: str) -> None:
    user: Any = getattr(request, "user", None)
    actor = user if user is not None and user.is_authenticated else None
    match = request.resolver_match
    record_bounded(
        clinic_id=_find_clinic(request, actor),
        action=action,
        actor=actor,
        object_id=_find_id(request),
        details={
            "status": status,
            "method": request.method if request.method in KNOWN_METHODS else "other",
            "route": match.url_name or "" if match else "",
        },
    )


KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _find_id(request: HttpRequest) -> str:
    """The opaque id in the address, if the route takes one."""
    match = request.resolver_match
    values = match.kwargs.values() if match else ()
    return next((str(value) for value in values if isinstance(value, uuid.UUID)), "")


def _find_clinic(request: HttpRequest, actor: Any) -> uuid.UUID | None:
    """Where the person works: the refusal belongs into that clinic's audit log."""
    clinic = getattr(request, "clinic", None)
    if clinic is not None:
        return clinic.pk  # type: ignore[no-any-return]  # the clinic that the accounts' middleware set
    if actor is None:
        return None
    # A program calls by token, without a session that remembers a clinic; the token may open one alone.
    return actor.memberships.held_by(actor).values_list("clinic_id", flat=True).first()  # type: ignore[no-any-return]  # the accounts' user, which stands above this package
