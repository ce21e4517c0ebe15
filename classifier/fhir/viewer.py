"""Who asks over FHIR, what they may see, and the ids by which an order that is sent again is known."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from classifier.models.visibility import emergencies_of
from portal.trust.accounts.models import Membership

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from django.http import HttpRequest
    from rest_framework.request import Request

    from classifier.fhir.search import SearchToken
    from portal.trust.accounts.models import User


BASE = "/fhir/r4"


@dataclass(frozen=True)
class Viewer:
    """Who asks, in which role in which clinic, and under which address they know this server."""

    user: User
    base: str
    roles: dict[uuid.UUID, str]

    @classmethod
    def of(cls, request: Request) -> Self:
        user: Any = request.user
        held = Membership.objects.held_by(user)
        return cls(user, find_base(request), dict(held.values_list("clinic_id", "role")))

    @property
    def site(self) -> str:
        """The address of the portal itself, for what is not FHIR."""
        return self.base.removesuffix(BASE)

    @property
    def clinics(self) -> list[uuid.UUID]:
        """Where something may be seen: the viewer's own, and those of patients opened in an emergency."""
        opened = (access.clinic_id for access in emergencies_of(self.user))
        return list(dict.fromkeys([*self.roles, *opened]))


def find_base(request: Request | HttpRequest) -> str:
    return request.build_absolute_uri(BASE)


# --- Identifier of an order ---------------------------------------------------------------------
# Sent twice, it is one submission.


def make_request_key(clinic_id: uuid.UUID, *, system: str, value: str) -> uuid.UUID:
    """Keys of two clinics never meet, nor those of FHIR and of the REST API."""
    return uuid.uuid5(clinic_id, f"fhir {system}|{value}")


def list_request_keys(clinic_ids: Iterable[uuid.UUID], identifiers: list[SearchToken]) -> list[uuid.UUID]:
    """The keys that these identifiers, with their value, have in these clinics."""
    return [
        make_request_key(clinic_id, system=identifier.system or "", value=identifier.code)
        for clinic_id in clinic_ids
        for identifier in identifiers
    ]
