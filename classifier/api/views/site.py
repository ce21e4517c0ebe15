"""What isn't about a patient: the caller, and the networks."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from csp.decorators import csp_update
from django.core.exceptions import ValidationError
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotAuthenticated, NotFound, PermissionDenied, Throttled
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle

from classifier.api.authentication import BearerAuthentication
from classifier.api.filters import ModelVersionFilter
from classifier.api.problems import FIELD_CODES, PROBLEMS
from classifier.api.serializers.people import (
    ClinicDetailSerializer,
    MeSerializer,
    TokenRequestSerializer,
    TokenSerializer,
)
from classifier.api.serializers.results import ModelVersionSerializer
from classifier.api.views.base import OpenDetail, PortalList
from classifier.domain.errors import InvalidInputError
from classifier.drf.views import NoStoreView
from classifier.models import ModelVersion
from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Clinic, Membership
from portal.trust.accounts.tokens.scopes import ANY_TOKEN, scopes_for
from portal.trust.accounts.tokens.tokens import issue_token

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.request import Request


class MeView(NoStoreView):
    scopes = {"GET": ANY_TOKEN}
    permission_classes = [IsAuthenticated]

    @extend_schema(operation_id="me_read", summary="Who you are and what you may", responses=MeSerializer)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        user: Any = self.request.user
        active = Membership.objects.held_by(user).select_related("clinic")
        user.active_memberships = list(active.order_by("clinic__name"))
        return Response(MeSerializer(user).data)


class ModelVersionList(PortalList):
    scopes = scopes_for("models")
    permission_classes = [IsAuthenticated]
    serializer_class = ModelVersionSerializer
    queryset = ModelVersion.objects.all()
    filterset_class = ModelVersionFilter
    ordering_fields = ["registered_at"]
    ordering = ["-registered_at"]

    @extend_schema(operation_id="model_versions_list", summary="List networks, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class ModelVersionDetail(OpenDetail):
    scopes = scopes_for("models")
    lookup_url_kwarg = "version"
    serializer_class = ModelVersionSerializer
    queryset = ModelVersion.objects.all()

    @extend_schema(operation_id="model_versions_read", summary="Read a network's registration")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class ClinicList(PortalList):
    scopes = scopes_for("clinics")
    permission_classes = [IsAuthenticated]
    serializer_class = ClinicDetailSerializer
    queryset = Clinic.objects.none()
    ordering_fields = ["created_at"]
    ordering = ["created_at"]

    def get_queryset(self) -> QuerySet[Clinic]:
        return Clinic.objects.visible_to(self.request.user)

    @extend_schema(operation_id="clinics_list", summary="List the clinics that you belong to")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class ClinicDetailView(OpenDetail):
    scopes = scopes_for("clinics")
    serializer_class = ClinicDetailSerializer
    queryset = Clinic.objects.none()

    def get_queryset(self) -> QuerySet[Clinic]:
        return Clinic.objects.visible_to(self.request.user)

    @extend_schema(operation_id="clinics_read", summary="Read a clinic that you belong to")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


@extend_schema(exclude=True)
class UnknownApiAddress(NoStoreView):
    """An address that doesn't exist is told in the API's own shape."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        raise NotFound("There is no such address. Addresses of the API end in a slash.")


class ApiTokenView(NoStoreView):
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


# --- Schema and codes ---------------------------------------------------------------------------
# They say nothing of any patient, so nobody needs to log in for them.


@cache
def make_schema() -> dict[str, Any]:
    """Take a third of a second of a processor, and the same for everybody: once a process."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return schema


class OnceMade(SchemaGenerator):
    def get_schema(self, request: Request | None = None, public: bool = False) -> dict[str, Any]:  # noqa: ARG002, FBT001, FBT002 (its signature)
        return make_schema()


class Schema(SpectacularAPIView):
    generator_class = OnceMade
    # What the address asks for as ?version= would stand in the file's name.
    api_version = "v1"


@method_decorator(never_cache, name="dispatch")
# Swagger UI draws its arrows from data: addresses in its stylesheet.
@method_decorator(csp_update({"img-src": ["data:"]}), name="dispatch")
class Docs(SpectacularSwaggerSplitView):
    """API viewer: Swagger UI, to read every operation and to try it with a token of one's own.

    Redoc shows the same, can't try anything, and needs a weaker policy for its styles.
    """

    url_name = "api-schema"
    template_name = "classifier/api/docs.html"


@method_decorator(never_cache, name="dispatch")
class Errors(TemplateView):
    template_name = "classifier/api/errors.html"
    extra_context = {"problems": PROBLEMS.values(), "field_codes": FIELD_CODES}
