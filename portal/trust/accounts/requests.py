"""Request classes: what our middlewares hang on Django's request, typed once for every view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from django.http import HttpRequest
from rest_framework.request import Request

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from django.contrib.auth.models import AnonymousUser
    from django_htmx.middleware import HtmxDetails

    from portal.trust.accounts.models import Clinic, Membership, User
    from portal.trust.accounts.tokens.use import Bearer


class Emergency(Protocol):
    """A patient of another clinic that is open to this session for a while."""

    @property
    def clinic_id(self) -> uuid.UUID: ...


class SiteRequest(HttpRequest):
    """Any request: maybe nobody's, maybe of somebody without a clinic."""

    user: User | AnonymousUser
    clinic: Clinic | None
    membership: Membership | None
    memberships: list[Membership]
    emergencies: Sequence[Emergency]
    htmx: HtmxDetails


class PortalRequest(SiteRequest):
    """What a view behind `@page` gets: somebody who is logged in and works in a clinic now.

    On a page that is open to operators (`operators=True`) too, ask `user.is_staff` before `membership`.
    """

    user: User
    clinic: Clinic
    membership: Membership


class ApiRequest(Request):
    """What a view of the REST API or FHIR gets, once permissions let its caller in: by token or by session."""

    user: User
    auth: Bearer | None
