"""Confirming who one is, shortly before an act that counts: signing, exports, people, tokens.

The page that asks carries the whole of what was sent in hidden fields, so that the act goes on
with the confirmation, and nothing of a patient waits in a session.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.shortcuts import render

from portal.accounts.confirmation import PREFIX, TOO_MANY, confirm, list_ways
from portal.accounts.freshness import is_fresh
from portal.audit.middleware import mark_asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse, HttpResponseBase

    from portal.accounts.requests import PortalRequest

NOT_KEPT = {"csrfmiddlewaretoken"}


def step_up(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Ask for a confirmation before a POST to this view. Stands inside `@page`: rights come first."""

    @wraps(view)
    def wrapper(request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return ask_again(request) or view(request, *args, **kwargs)

    return wrapper


def ask_again(request: PortalRequest, *, is_signing: bool = False) -> HttpResponse | None:
    """The page that asks, or None where the act may go on.

    `is_signing` is for reviews alone, which are signed one after the other (see `is_fresh`). To be asked
    is no refusal: the trail gets no event of it. A wrong answer has its own.
    """
    if request.method != "POST" or not settings.DERMAPORT_STEP_UP_MINUTES:
        return None
    trouble = ""
    if not is_fresh(request, is_signing=is_signing):
        trouble = confirm(request)
    if not is_fresh(request, is_signing=is_signing):
        context = {"kept": list_kept(request), "trouble": trouble, **list_ways(request)}
        if trouble != TOO_MANY:
            mark_asked(request)
        return render(request, "account/step_up.html", context, status=403)
    # The act sees what was meant for it, and no password.
    request.POST = request.POST.copy()  # type: ignore[assignment]  # Django's type is of what came in
    for name in [name for name in request.POST if name.startswith(PREFIX)]:
        del request.POST[name]  # type: ignore[misc]  # as above: this is the copy
    return None


def list_kept(request: PortalRequest) -> list[tuple[str, str]]:
    """What was sent, without tokens and without what a confirmation needs."""
    return [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in NOT_KEPT and not name.startswith(PREFIX)
    ]
