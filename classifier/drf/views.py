"""The base of every view of REST and FHIR: no answer is kept by a cache, and what counts is confirmed first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.views import APIView

from classifier.drf.permissions import require_confirmation
from classifier.drf.throttling import add_rate_limit_headers

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request
    from rest_framework.response import Response

    from portal.trust.accounts.requests import ApiRequest


class FirstRenderer(DefaultContentNegotiation):
    """For files: whatever `Accept` says, the answer is the file, and its errors are of the view's first kind."""

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002
        renderers: Any,
        format_suffix: str | None = None,  # noqa: ARG002
    ) -> Any:
        return renderers[0], renderers[0].media_type


# Comments, not docstrings: those would stand in the OpenAPI schema.


# Answers hold patients' data or secrets: no cache on the way may keep one.
class NoStoreView(APIView):
    request: ApiRequest
    # What a POST made, for the row that keeps its answer (see classifier.api.idempotency).
    request_key: uuid.UUID | None = None
    clinic_id: uuid.UUID | None = None
    # Methods before which a browser's session must have confirmed who it is.
    confirms: frozenset[str] = frozenset()
    # A confirmation for these lasts as long as a reading session.
    is_signing = False

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        if request.method in self.confirms:
            require_confirmation(request, is_signing=self.is_signing)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        add_rate_limit_headers(response, self)
        response["Cache-Control"] = "private, no-store"
        return response
