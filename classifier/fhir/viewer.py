from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from portal.accounts.models import Membership

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from portal.accounts.models import User

BASE = "/fhir/r4"


@dataclass(frozen=True)
class Viewer:
    """Who asks, in which role in which clinic, and under which address they know this server."""

    user: User
    base: str
    roles: dict[uuid.UUID, str]

    @classmethod
    def of(cls, request: Request) -> Self:
        held = Membership.objects.held_by(request.user)
        return cls(request.user, find_base(request), dict(held.values_list("clinic_id", "role")))


def find_base(request: Request) -> str:
    return request.build_absolute_uri(BASE)
