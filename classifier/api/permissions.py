"""Who gets in at all. Rows are narrowed by `visible_to`; services check the role in the clinic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission

from portal.accounts.models import Membership
from portal.accounts.roles import ROLES_ALLOWED, Action

if TYPE_CHECKING:
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
