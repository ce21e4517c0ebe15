"""What the settings hold, in the groups that the index and the menu beside each page show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.urls import reverse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

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
            SettingsPage("audit-trail", "Audit trail", "Who did what; search and export", ADMINISTRATORS),
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
