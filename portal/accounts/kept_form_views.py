"""A form that was sent after the session had ended, given back after the next log-in."""

from __future__ import annotations

import uuid
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.accounts.kept_forms import forget_form, give_back, keep_form
from portal.accounts.step_up import list_kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from portal.accounts.models import User

WORDS = {"mrn": "Record number (MRN)"}
"""What a field is called, where its name doesn't say so."""
SENT_AGAIN = "kept_form"
"""In the address to which it is sent again: which row is done with."""


def keep_for_later(request: HttpRequest) -> HttpResponse | None:
    """The log-in page, which leads back to what was just sent; None where nothing is to be kept.

    Called once it is known that the form came from a page of ours, not from another site.
    """
    person: User = request.ended_session_of  # type: ignore[attr-defined]
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        # A script sent it, which still has it.
        return None
    fields = list_kept(request)
    if not fields or not keep_form(person=person, path=request.get_full_path(), fields=fields):
        return None
    files = " Files are not kept: choose them again." if request.FILES else ""
    messages.info(
        request,
        "You were logged out before this was sent. Log in, and what you wrote is given back; it is kept for "
        f"{settings.DERMAPORT_KEPT_FORM_MINUTES} minutes.{files}",
    )
    return redirect_to_login(reverse("kept-form"))


def done_with_kept(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Erase what was kept once it was sent again. Where it was refused it can be sent once more."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        key = request.GET.get(SENT_AGAIN)
        if key and request.method == "POST" and request.user.is_authenticated:
            forget_form(person=request.user, key=key)
        return response

    return wrapper


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def kept_form(request: HttpRequest) -> HttpResponse:
    """What is kept, to be sent again (GET), or to be forgotten (POST)."""
    person: User = request.user  # type: ignore[assignment]
    if request.method == "POST":
        forget_form(person=person, key=request.POST.get("key", ""))
        messages.success(request, "Forgotten.")
        return redirect("home")
    kept = give_back(person=person)
    if kept is None:
        messages.info(request, "Nothing is kept for you, or its time is over.")
        return redirect("home")
    mark = "&" if "?" in kept.path else "?"
    context = {
        "kept": kept,
        "address": f"{kept.path}{mark}{SENT_AGAIN}={kept.key}",
        "shown": [(_describe(name), value) for name, value in kept.fields if _is_written(value)],
    }
    return render(request, "account/kept_form.html", context)


def _describe(name: str) -> str:
    return WORDS.get(name) or name.replace("_", " ").replace("-", " ").capitalize()


def _is_written(value: str) -> bool:
    """Not what the page itself put there: nothing, or the id of a row."""
    try:
        uuid.UUID(value)
    except ValueError:
        return bool(value.strip())
    return False
