"""Base views of FHIR: scopes, media types, and an OperationOutcome for what goes wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.utils.http import http_date
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from classifier.drf.permissions import MayViewCases
from classifier.drf.views import NoStoreView
from classifier.fhir.errors import answer_with_outcome
from classifier.fhir.negotiation import FhirNegotiation, FhirParser, FhirRenderer, PlainJsonParser
from portal.trust.accounts.roles import Action

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from rest_framework.request import Request

    from classifier.fhir.resources.base import Kind
    from classifier.fhir.systems import JSON

STRICT = re.compile(r"(?:^|[;,\s])handling\s*=\s*\"?strict\b", re.IGNORECASE)
READ = {"GET": "fhir:read"}
SEARCH = {"POST": "fhir:read"}
WRITE = {"POST": "fhir:write"}


class MayReadAuditLog(MayViewCases):
    """The audit log says what people did; it is read by those who answer for them."""

    action = Action.ADMINISTER
    message = "Only a clinic's administrators may read its audit log."


class FhirView(NoStoreView):
    # Its schema is the CapabilityStatement.
    schema = None
    renderer_classes = [FhirRenderer]
    parser_classes = [FhirParser, PlainJsonParser]
    content_negotiation_class: type[BaseContentNegotiation] = FhirNegotiation
    permission_classes = [MayViewCases]
    scopes: dict[str, str] = READ
    """What a token needs, by method."""

    def get_exception_handler(self) -> Callable[[Exception, Any], Response | None]:
        return answer_with_outcome


class KindView(FhirView):
    """About one type of resource."""

    kind: Kind = None  # type: ignore[assignment] # given by the address

    def get_permissions(self) -> list[Any]:
        if self.kind.action == Action.ADMINISTER:
            return [MayReadAuditLog()]
        return list(super().get_permissions())


class OpenView(FhirView):
    """Says nothing of any patient, so nobody needs to log in for it."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    scopes = {}


class UnknownFhirAddress(OpenView):
    """An address that doesn't exist is told as FHIR tells it."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound(
            "There is no such address. What there is stands in the CapabilityStatement, at metadata."
        )


def is_strict(request: Request) -> bool:
    """Whether the caller wants to hear of every search parameter that isn't known here."""
    return bool(STRICT.search(request.headers.get("Prefer", "")))


def answer_with(request: Request, resource: JSON, changed_at: dt.datetime | None) -> Response:
    """One resource with its ETag; 304 where the caller has this version."""
    tag = f'W/"{resource["meta"]["versionId"]}"'
    known = [one.strip() for one in request.headers.get("If-None-Match", "").split(",")]
    response = Response(status=304) if tag in known else Response(resource)
    response["ETag"] = tag
    if changed_at:
        response["Last-Modified"] = http_date(changed_at.timestamp())
    return response
