"""The menu and index of the settings, a person's own (name and look), and the clinic's deadlines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from classifier.cases.targets import set_targets
from classifier.domain.errors import ServiceError
from classifier.pages.access import page
from classifier.pages.forms.fields import carry_shown, read_changes
from classifier.pages.forms.order import TargetsForm
from portal.trust.accounts.context import THEMES, site
from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.people.forms import NameForm
from portal.trust.accounts.people.services import rename_person
from portal.trust.accounts.roles import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpResponse

    from portal.trust.accounts.requests import PortalRequest


# --- Menu of the settings -----------------------------------------------------------------------


EVERYBODY, PASSWORDS, MEMBERS, ADMINISTRATORS, OPERATORS_TOO = (
    "everybody",
    "passwords",
    "members",
    "administrators",
    "operators too",
)
"""Whom a page is for. What each may do there is settled by the page itself."""


@dataclass(frozen=True)
class SettingsPage:
    route: str
    label: str
    words: str
    audience: str

    @property
    def address(self) -> str:
        return reverse(self.route)


@dataclass(frozen=True)
class SettingsGroup:
    key: str
    label: str
    pages: tuple[SettingsPage, ...]


GROUPS = (
    SettingsGroup(
        "you",
        "You",
        (
            SettingsPage("profile", "Name and look", "Your name, light and dark", MEMBERS),
            SettingsPage("account_change_password", "Password", "Set a new one", PASSWORDS),
            SettingsPage(
                "mfa_index", "Second factor", "Authenticator app, passkeys, recovery codes", EVERYBODY
            ),
            SettingsPage(
                "sessions",
                "Where you are logged in",
                "Your sessions; end any that you don't recognise",
                EVERYBODY,
            ),
            SettingsPage("tokens", "API tokens", "Programs and applications that act in your name", MEMBERS),
        ),
    ),
    SettingsGroup(
        "clinic",
        "Clinic",
        (
            SettingsPage(
                "clinic-settings",
                "Clinic",
                "Its name, when the model's answer is shown, how long data are kept",
                ADMINISTRATORS,
            ),
            SettingsPage(
                "targets",
                "Deadlines",
                "How many days a reading, a result and an order may take",
                ADMINISTRATORS,
            ),
            SettingsPage("people", "People", "Roles, guests, ending access, open work", ADMINISTRATORS),
            SettingsPage("invitations", "Invitations", "Ask colleagues and guests in", ADMINISTRATORS),
            SettingsPage(
                "model-list",
                "Models",
                "What judges the images, how well, and what runs on trial",
                OPERATORS_TOO,
            ),
        ),
    ),
    SettingsGroup(
        "privacy",
        "Privacy and audit",
        (
            SettingsPage(
                "retention",
                "Retention",
                "Who is due to be erased. Consent, archive and erasure of one patient are on the patient's page",
                ADMINISTRATORS,
            ),
            SettingsPage(
                "emergency-list",
                "Emergency access",
                "Who of another clinic opened a patient of yours, and why",
                ADMINISTRATORS,
            ),
            SettingsPage("audit-log", "Audit log", "Who did what; search and export", ADMINISTRATORS),
        ),
    ),
    SettingsGroup(
        "systems",
        "Other systems",
        (
            SettingsPage("services", "Service accounts", "Systems that act for the clinic", ADMINISTRATORS),
            SettingsPage("applications", "Applications", "Systems that log in with OAuth 2", ADMINISTRATORS),
            SettingsPage(
                "webhooks", "Webhooks", "Systems that are told when a result is there", ADMINISTRATORS
            ),
            SettingsPage(
                "interfaces",
                "Interfaces",
                "Addresses and documentation of the REST API, FHIR, DICOM and webhooks",
                OPERATORS_TOO,
            ),
        ),
    ),
)


def list_groups(context: Mapping[str, Any]) -> list[SettingsGroup]:
    """The groups with what this person can open; `context` is that of every page (`accounts.context`)."""
    user = context["user"]
    has_pages = bool(context.get("has_pages"))
    audiences = {
        EVERYBODY: user.is_authenticated,
        PASSWORDS: user.is_authenticated and bool(context.get("local_login")),
        MEMBERS: has_pages,
        ADMINISTRATORS: has_pages and bool(context["can"]["administer"]),
        OPERATORS_TOO: has_pages or user.is_staff,
    }
    narrowed = (
        replace(group, pages=tuple(page for page in group.pages if audiences[page.audience]))
        for group in GROUPS
    )
    return [group for group in narrowed if group.pages]


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
    form = carry_shown(TargetsForm(request.POST if request.method == "POST" else None, clinic=clinic))
    if request.method == "POST" and form.is_valid():
        changes = read_changes(form)
        reading = changes.pop("reading_target_days", None)
        try:
            set_targets(
                actor=request.user, clinic=clinic, reading_target_days=reading, order_target_days=changes
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
