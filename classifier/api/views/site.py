"""What isn't about a patient: the caller, and the networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response

from classifier.api.filters.model_versions import ModelVersionFilter
from classifier.api.serializers.models import ModelVersionSerializer
from classifier.api.serializers.people import ClinicDetailSerializer, MeSerializer
from classifier.api.views.details import OpenDetail
from classifier.api.views.lists import PortalList
from classifier.drf.views import NoStoreView
from classifier.models import ModelVersion
from portal.accounts.models import Clinic, Membership
from portal.accounts.scopes import ANY_TOKEN, scopes_for

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class Me(NoStoreView):
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


class ClinicDetail(OpenDetail):
    scopes = scopes_for("clinics")
    serializer_class = ClinicDetailSerializer
    queryset = Clinic.objects.none()

    def get_queryset(self) -> QuerySet[Clinic]:
        return Clinic.objects.visible_to(self.request.user)

    @extend_schema(operation_id="clinics_read", summary="Read a clinic that you belong to")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


@extend_schema(exclude=True)
class Unknown(NoStoreView):
    """An address that doesn't exist is told in the API's own shape."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        raise NotFound("There is no such address. Addresses of the API end in a slash.")
