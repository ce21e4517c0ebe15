"""A person's own settings: name, password, theme, tokens for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from knox.models import AuthToken

from classifier.views.access import page
from portal.accounts.context import THEMES
from portal.accounts.errors import PeopleError
from portal.accounts.forms import NameForm, TokenForm
from portal.accounts.services import create_token, rename_person
from portal.accounts.step_up import step_up
from portal.accounts.tokens import revoke_token

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

THEME_WORDS = {"auto": "As the device", "light": "Light", "dark": "Dark"}


@page()
@require_safe
def settings(request: HttpRequest) -> HttpResponse:
    return _show(request)


@page()
@require_POST
def settings_name(request: HttpRequest) -> HttpResponse:
    form = NameForm(request.POST)
    if not form.is_valid():
        return _show(request, status=400, name_form=form)
    try:
        rename_person(actor=request.user, full_name=form.cleaned_data["full_name"])  # type: ignore[arg-type]
    except PeopleError as error:
        form.add_error(error.field, error.message)
        return _show(request, status=400, name_form=form)
    messages.success(request, "Name saved.")
    return redirect("settings")


@page()
@require_POST
@step_up
def token_create(request: HttpRequest) -> HttpResponse:
    """Make a token and show it on this one page: the database keeps a hash."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _show(request, status=400, token_form=form)
    issued = create_token(actor=request.user, days=form.cleaned_data["days"])  # type: ignore[arg-type]
    return _show(request, issued=issued)


@page()
@require_POST
def token_revoke(request: HttpRequest) -> HttpResponse:
    token = AuthToken.objects.filter(user=request.user, pk=request.POST.get("token", "")).first()
    if token is None:
        raise Http404
    revoke_token(token=token)
    messages.success(request, "Token revoked. What used it is locked out.")
    return redirect("settings")


def _show(request: HttpRequest, *, status: int = 200, **changes: Any) -> HttpResponse:
    user: Any = request.user
    live = AuthToken.objects.filter(user=user, expiry__gt=timezone.now()) | AuthToken.objects.filter(
        user=user, expiry__isnull=True
    )
    context = {
        "name_form": NameForm(instance=user),
        "token_form": TokenForm(),
        "tokens": live.order_by("-created"),
        "themes": [(value, THEME_WORDS[value]) for value in THEMES],
        "place": "settings",
        **changes,
    }
    return render(request, "classifier/settings/person.html", context, status=status)
