"""The index of the settings, and a person's own: name and look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from classifier.cases.targets import set_targets
from classifier.forms.order import TargetsForm
from classifier.services.errors import ServiceError
from classifier.settings_pages import list_groups
from classifier.views.access import page
from portal.accounts.context import THEMES, site
from portal.accounts.errors import PeopleError
from portal.accounts.forms import NameForm
from portal.accounts.roles import Action
from portal.accounts.services import rename_person

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest

THEME_WORDS = {"auto": "As the device", "light": "Light", "dark": "Dark"}


@page()
@require_safe
def settings(request: PortalRequest) -> HttpResponse:
    groups = list_groups({**site(request), "user": request.user})
    return render(request, "classifier/settings/index.html", {"groups": groups})


@page()
@require_safe
def profile(request: PortalRequest) -> HttpResponse:
    return _show(request)


@page()
@require_POST
def settings_name(request: PortalRequest) -> HttpResponse:
    form = NameForm(request.POST)
    if not form.is_valid():
        return _show(request, status=400, name_form=form)
    try:
        rename_person(actor=request.user, full_name=form.cleaned_data["full_name"])
    except PeopleError as error:
        form.add_error(error.field, error.message)
        return _show(request, status=400, name_form=form)
    messages.success(request, "Name saved.")
    return redirect("profile")


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def targets(request: PortalRequest) -> HttpResponse:
    """How many days the clinic gives for reading and for each order."""
    clinic = request.clinic
    form = TargetsForm(request.POST if request.method == "POST" else None, clinic=clinic)
    if request.method == "POST" and form.is_valid():
        try:
            set_targets(
                actor=request.user,
                clinic=clinic,
                reading_target_days=form.cleaned_data["reading_target_days"],
                order_target_days=form.order_target_days,
            )
        except ServiceError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "Deadlines saved.")
            return redirect("targets")
    status = 400 if form.errors else 200
    return render(request, "classifier/settings/targets.html", {"form": form}, status=status)


def _show(request: PortalRequest, *, status: int = 200, **changes: Any) -> HttpResponse:
    context = {
        "name_form": NameForm(instance=request.user),
        "themes": [(value, THEME_WORDS[value]) for value in THEMES],
        **changes,
    }
    return render(request, "classifier/settings/person.html", context, status=status)
