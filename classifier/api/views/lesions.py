from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.reverse import reverse

from classifier.api.filters.patients import LesionFilter
from classifier.api.idempotency import idempotent
from classifier.api.preconditions import read_if_match, with_tag
from classifier.api.queries import select_lesions, with_risk
from classifier.api.schema import CREATED
from classifier.api.serializers.lesions import LesionChangesSerializer, LesionSerializer, NewLesionSerializer
from classifier.api.views.details import RecordedDetail
from classifier.api.views.lists import RecordedList
from classifier.drf.permissions import MaySubmit, is_write
from classifier.drf.views import NoStoreView
from classifier.models import Lesion
from classifier.services.lesions import create_lesion, update_lesion
from portal.accounts.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from classifier.models.lesion import LesionQuerySet


class _Lesions(NoStoreView, GenericAPIView):  # type: ignore[type-arg]  # generic in the stubs alone
    scopes = scopes_for("patients")
    serializer_class = LesionSerializer
    queryset = Lesion.objects.none()
    clinic_of = attrgetter("patient.clinic_id")

    def get_queryset(self) -> LesionQuerySet:
        return with_risk(select_lesions(self.request.user), since="created_at")

    def get_permissions(self) -> list[Any]:
        more = [MaySubmit()] if is_write(self) else []
        return [*super().get_permissions(), *more]


class LesionList(_Lesions, RecordedList):
    filterset_class = LesionFilter
    ordering_fields = ["created_at", "risk"]
    ordering = ["-created_at"]
    listed = "lesions"

    @extend_schema(operation_id="lesions_list", summary="List lesions, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="lesions_create",
        summary="Add a lesion of a patient",
        request=NewLesionSerializer,
        parameters=CREATED,
        responses={201: LesionSerializer},
        filters=False,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        asked = NewLesionSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        lesion = create_lesion(actor=self.request.user, **asked.validated_data)
        self.clinic_id = lesion.patient.clinic_id
        location = reverse("api-lesion", [lesion.pk], request=request)
        answer = Response(self.get_serializer(lesion).data, status=201, headers={"Location": location})
        return with_tag(answer, lesion)


class LesionDetail(_Lesions, RecordedDetail):
    @extend_schema(operation_id="lesions_read", summary="Read a lesion")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="lesions_change",
        summary="Correct a lesion",
        request=LesionChangesSerializer,
        responses=LesionSerializer,
    )
    def patch(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002 - get_object reads it
        with transaction.atomic():
            lesion = self.get_object()
            asked = LesionChangesSerializer(data=request.data, partial=True)
            asked.is_valid(raise_exception=True)
            lesion = update_lesion(
                actor=self.request.user,
                lesion=lesion,
                expected=read_if_match(request),
                **asked.validated_data,
            )
            return self.answer(lesion)
