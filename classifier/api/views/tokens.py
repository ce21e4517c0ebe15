from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated, PermissionDenied, Throttled
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle

from classifier.api.authentication import BearerAuthentication
from classifier.api.serializers.people import TokenRequestSerializer, TokenSerializer
from classifier.drf.views import NoStoreView
from classifier.services.errors import InvalidInputError
from portal.accounts.errors import PeopleError
from portal.accounts.scopes import ANY_TOKEN
from portal.accounts.tokens import issue_token

if TYPE_CHECKING:
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.request import Request


class TokenView(NoStoreView):
    scopes = {"DELETE": ANY_TOKEN}
    throttle_scope = "token"

    def get_authenticators(self) -> list[BaseAuthentication]:
        # An old token in the header must not keep its owner from making a new one.
        ends_one = self.request is None or self.request.method == "DELETE"
        return [BearerAuthentication()] if ends_one else []

    def get_permissions(self) -> list[Any]:
        return [IsAuthenticated()] if self.request.method == "DELETE" else [AllowAny()]

    def get_throttles(self) -> list[Any]:
        return [ScopedRateThrottle()] if self.request.method == "POST" else []

    @extend_schema(
        operation_id="token_create",
        summary="Make a token",
        description=(
            "Tokens end after some hours; a new password ends them all. At most 20 live at a "
            "time: one more ends the oldest. Wrong passwords and unknown people get one answer."
        ),
        request=TokenRequestSerializer,
        responses=TokenSerializer,
        auth=[],
    )
    def post(self, request: Request) -> Response:
        asked = TokenRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            token = issue_token(request=request._request, **asked.validated_data)  # noqa: SLF001
        except ValidationError as error:
            raise Throttled(detail="Too many failed log-ins. Wait a few minutes.") from error
        except PeopleError as error:
            raise PermissionDenied(error.message, error.code) from error
        if token is None:
            raise InvalidInputError(
                "invalid_credentials", "The e-mail address and password don't belong together."
            )
        return Response(TokenSerializer(token).data)

    @extend_schema(
        operation_id="token_revoke",
        summary="End the token you call with",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:  # noqa: ARG002 (the framework's)
        token = self.request.auth
        if token is None:
            raise NotAuthenticated
        token.end()
        return Response(status=204)
