"""What was sent to a webhook, and sending it once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from django.shortcuts import get_object_or_404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.filters import OrderingFilter
from rest_framework.response import Response

from classifier.api.choices import FilterSet
from classifier.api.idempotency import idempotent
from classifier.api.pagination import StableCursorPagination
from classifier.api.parsers import BoundedJSONParser
from classifier.api.schema import ERROR
from classifier.api.serializers.webhooks import WebhookDeliverySerializer
from classifier.api.views.webhooks import WebhookView
from classifier.drf.permissions import MayAdminister
from classifier.drf.views import NoStoreView
from classifier.models import WebhookDelivery, WebhookEndpoint
from classifier.states import DeliveryState
from classifier.vocabulary import WebhookEventType
from classifier.webhooks.endpoints import redeliver, send_test
from portal.accounts.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from classifier.models.webhook_delivery import WebhookDeliveryQuerySet

OFF = OpenApiResponse(ERROR, "The webhook is off or removed, or the event is being sent already.")


class WebhookDeliveryFilter(FilterSet):
    state = django_filters.ChoiceFilter(choices=DeliveryState.choices)
    type = django_filters.ChoiceFilter(field_name="event__type", choices=WebhookEventType.choices)
    event = django_filters.UUIDFilter()

    class Meta:
        model = WebhookDelivery
        fields: list[str] = []


class WebhookDeliveryList(NoStoreView, generics.ListAPIView[WebhookDelivery]):
    scopes = scopes_for("webhooks")
    permission_classes = [MayAdminister]
    parser_classes = [BoundedJSONParser]
    serializer_class = WebhookDeliverySerializer
    queryset = WebhookDelivery.objects.none()
    pagination_class = StableCursorPagination
    filter_backends = [DjangoFilterBackend, OrderingFilter]
    filterset_class = WebhookDeliveryFilter
    ordering_fields = ["created_at"]
    ordering = ["-created_at"]

    def get_queryset(self) -> WebhookDeliveryQuerySet:
        visible = WebhookEndpoint.objects.visible_to(self.request.user)
        endpoint = get_object_or_404(visible, pk=self.kwargs["pk"])
        return WebhookDelivery.objects.filter(endpoint=endpoint).select_related("event")

    @extend_schema(operation_id="webhooks_deliveries_list", summary="List what was sent, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class WebhookTest(WebhookView):
    @extend_schema(
        operation_id="webhooks_test",
        summary="Send a test delivery, which tells of nothing",
        request=None,
        responses={202: WebhookDeliverySerializer, 409: OFF},
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002
        delivery = send_test(actor=self.request.user, endpoint=self.get_object())
        return Response(WebhookDeliverySerializer(delivery).data, status=202)


class WebhookRedeliver(NoStoreView, generics.GenericAPIView[WebhookDelivery]):
    scopes = scopes_for("webhooks")
    confirms = frozenset({"POST"})
    permission_classes = [MayAdminister]
    parser_classes = [BoundedJSONParser]
    serializer_class = WebhookDeliverySerializer
    queryset = WebhookDelivery.objects.none()
    filter_backends: list[Any] = []

    @extend_schema(
        operation_id="webhook_deliveries_redeliver",
        summary="Send an event once more, with the same id",
        request=None,
        responses={202: WebhookDeliverySerializer, 409: OFF},
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002
        visible = WebhookDelivery.objects.visible_to(self.request.user).select_related("endpoint", "event")
        again = redeliver(actor=self.request.user, delivery=get_object_or_404(visible, pk=pk))
        return Response(self.get_serializer(again).data, status=202)
