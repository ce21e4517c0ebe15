"""What a person may do with a row, by their role in the row's own clinic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

from classifier.cases.follow_up import FOLLOWING
from portal.accounts.roles import ROLES_ALLOWED, Action, Role

if TYPE_CHECKING:
    import uuid

    from portal.accounts.requests import PortalRequest


READER = ""
"""Of no role there: who opened a patient in an emergency reads, and may do nothing else."""


@dataclass(frozen=True)
class Rights:
    """Rights within one clinic, for templates and views; services check again."""

    role: str

    @property
    def reads_only(self) -> bool:
        return self.role == READER

    @property
    def submit(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.SUBMIT]

    @property
    def follow(self) -> bool:
        return self.role in FOLLOWING

    @property
    def cancel(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.CANCEL]

    @property
    def export(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.EXPORT]

    @property
    def report(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.REPORT]

    @property
    def administer(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.ADMINISTER]

    @property
    def review(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.REVIEW]

    @property
    def record_outcome(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.RECORD_OUTCOME]


def rights_in(request: PortalRequest, clinic_id: uuid.UUID) -> Rights:
    """Rights in the clinic of a row that is visible; 403 where the role has no pages.

    Reads the memberships that the request has loaded already, so it costs no query.
    """
    role = next(
        (m.role for m in request.memberships if m.clinic_id == clinic_id),
        "",
    )
    if not role and any(access.clinic_id == clinic_id for access in request.emergencies):
        return Rights(READER)
    if role not in ROLES_ALLOWED[Action.VIEW_CASES] or role == Role.INTEGRATION:
        raise PermissionDenied("Your role in this clinic has no pages.")
    return Rights(role)


def require_right(allowed: bool, words: str) -> None:  # noqa: FBT001 (reads as a sentence)
    """403 with `words` unless allowed."""
    if not allowed:
        raise PermissionDenied(words)
