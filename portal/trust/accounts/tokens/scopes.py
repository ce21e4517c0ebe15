"""Token scopes: what a token may do: one table, read by the API, the pages and the OAuth server alike.

A scope never gives a person more than their role does: it only narrows. A browser's session has
no scopes, since nobody but its owner sits before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SCOPES: dict[str, str] = {
    "clinics:read": "See your clinics and your role in each",
    "patients:read": "Read patients and their lesions",
    "patients:write": "Add patients and lesions, and correct them",
    "patients:export": "Take out all data of a patient as one archive",
    "patients:erase": "Erase patients",
    "consents:read": "Read what patients agree to",
    "consents:write": "Record and withdraw patients' consents",
    "submissions:read": "Read cases with their images, results and reports",
    "submissions:write": "Submit cases and withdraw them",
    "predictions:read": "Read what a model says of each image",
    "reviews:read": "Read what dermatologists signed",
    "reviews:write": "Sign and amend reviews in your name",
    "outcomes:read": "Read histopathology results",
    "outcomes:write": "Record histopathology results",
    "models:read": "Read which models there are",
    "webhooks:read": "Read webhooks and their deliveries",
    "webhooks:write": "Set up webhooks and send deliveries again",
    "fhir:read": "Read cases as FHIR resources",
    "fhir:write": "Submit cases as FHIR resources",
}

ANY_TOKEN = ""
"""What a view states of a method that every token may call, whatever its scopes."""

PASSWORD_SCOPES = frozenset(SCOPES)
"""Of a token got with e-mail and password: its owner just proved who they are, it lives for hours,
and it may do what their role may. Tokens made before there were scopes count as such."""

METHODS = {"GET": "read", "POST": "write", "PUT": "write", "PATCH": "write", "DELETE": "write"}


def scopes_for(resource: str) -> dict[str, str]:
    """What a view of this resource asks for, by method.

    class PatientList(…):
        scopes = scopes_for("patients")
    """
    found = {method: f"{resource}:{verb}" for method, verb in METHODS.items()}
    found = {method: scope for method, scope in found.items() if scope in SCOPES}
    if not found:
        raise ValueError(f"expected a resource of the table of scopes, received {resource!r}")
    return found


def sort_scopes(scopes: Iterable[str]) -> list[str]:
    """Known scopes in the order of the table; unknown ones are left out."""
    held = set(scopes)
    return [scope for scope in SCOPES if scope in held]
