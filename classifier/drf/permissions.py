"""Permissions: who gets in at all. `visible_to` narrows rows; services check the role in the clinic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import reverse
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission

from portal.trust.accounts.models import Membership
from portal.trust.accounts.roles import ROLES_ALLOWED, Action
from portal.trust.accounts.second_factor.step_up import lacks_confirmation
from portal.trust.accounts.tokens.scopes import METHODS
from portal.trust.audit.middleware import mark_asked

if TYPE_CHECKING:
    from collections.abc import Collection

    from rest_framework.request import Request
    from rest_framework.views import APIView


def is_write(view: Any) -> bool:
    """Whether the request is one of the view's own writes; of other methods it is told 405."""
    return view.request.method in ("POST", "PATCH") and hasattr(view, view.request.method.lower())


class _MayInSomeClinic(BasePermission):
    action: Action
    message = "You belong to no clinic here. Ask a clinic's administrator to add you."

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        held = Membership.objects.held_by(request.user)
        return held.filter(role__in=ROLES_ALLOWED[self.action]).exists()


class MayViewCases(_MayInSomeClinic):
    action = Action.VIEW_CASES


class MayAdminister(_MayInSomeClinic):
    action = Action.ADMINISTER
    message = "This is for administrators of a clinic."


class MaySubmit(_MayInSomeClinic):
    """Checked before the input, so that a person who may not submit isn't taught the form."""

    action = Action.SUBMIT
    message = "Your role does not allow you to submit cases."


class MayReview(_MayInSomeClinic):
    action = Action.REVIEW
    message = "Your role does not allow you to review cases."


class MayRecordOutcomes(_MayInSomeClinic):
    action = Action.RECORD_OUTCOME
    message = "Your role does not allow you to record histopathology."


class ScopeMissing(PermissionDenied):
    default_code = "scope_missing"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This token lacks the scope {scope}. Make one that has it.")
        self.scope = scope


class ConfirmationRequired(PermissionDenied):
    default_code = "confirmation_required"

    def __init__(self) -> None:
        super().__init__(
            f"Confirm that it is you at {reverse('account_reauthenticate')}, then send it again."
        )


def require_confirmation(request: Request, *, is_signing: bool = False) -> None:
    """As on the pages: before an act that counts a session shows once more who it is.

    A token has nobody in front of it who could walk away: it opens what it was made for.
    """
    if request.auth is None and lacks_confirmation(request._request, is_signing=is_signing):  # noqa: SLF001 (Django's own)
        # To be asked is no refusal that the audit log needs to hold.
        mark_asked(request._request)  # noqa: SLF001
        raise ConfirmationRequired


def require_scope(view: APIView, method: str, held: Collection[str]) -> None:
    """Refuse a token that lacks what `view.scopes` asks for this method (403, `scope_missing`).

    The authentication calls it, not each view: views choose their own permissions, and one that
    forgot this one would let every token in. A view that states no scope takes no tokens.
    """
    method = "GET" if method == "HEAD" else method
    name = method.lower()
    if method not in METHODS or name not in view.http_method_names or not hasattr(view, name):
        return  # 405 follows
    needed = getattr(view, "scopes", {}).get(method)
    if needed is None:
        raise PermissionDenied("This address takes no tokens.", "tokens_not_taken")
    if needed and needed not in held:
        raise ScopeMissing(needed)
