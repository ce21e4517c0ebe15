"""Webhooks over the API, for administrators of a clinic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.response import Response

from classifier.api.idempotency import idempotent
from classifier.api.parsers import BoundedJSONParser
from classifier.api.schema import ERROR, WORDS
from classifier.api.serializers.fields import FilterSet
from classifier.api.serializers.webhooks import (
    IssuedWebhookSerializer,
    NewWebhookSerializer,
    WebhookChangesSerializer,
    WebhookDeliverySerializer,
    WebhookSerializer,
)
from classifier.api.views.base import PortalList
from classifier.domain.states import DeliveryState
from classifier.domain.vocabulary import WebhookEventType
from classifier.drf.permissions import MayAdminister
from classifier.drf.views import NoStoreView
from classifier.models import WebhookDelivery, WebhookEndpoint
from classifier.webhooks.docs import DESCRIPTION
from classifier.webhooks.endpoints import (
    IssuedSecret,
    create_endpoint,
    redeliver,
    remove_endpoint,
    rotate_secret,
    send_test,
    set_endpoint_active,
    update_endpoint,
)
from portal.trust.accounts.tokens.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from classifier.models.webhook import WebhookDeliveryQuerySet, WebhookEndpointQuerySet


BAD_INPUT = OpenApiResponse(ERROR, WORDS["400"])
GONE = OpenApiResponse(ERROR, "It was removed meanwhile.")


# The webhooks of the clinics that the caller administers.
class WebhookView(NoStoreView, generics.GenericAPIView[WebhookEndpoint]):
    scopes = scopes_for("webhooks")
    confirms = frozenset({"POST", "PATCH", "DELETE"})
    permission_classes = [MayAdminister]
    parser_classes = [BoundedJSONParser]
    serializer_class = WebhookSerializer
    queryset = WebhookEndpoint.objects.none()
    filter_backends: list[Any] = []

    def get_queryset(self) -> WebhookEndpointQuerySet:
        return WebhookEndpoint.objects.visible_to(self.request.user)


class WebhookList(WebhookView, PortalList):
    filter_backends = PortalList.filter_backends
    ordering_fields = ["created_at"]
    ordering = ["-created_at"]

    @extend_schema(operation_id="webhooks_list", summary="List webhooks, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="webhooks_create",
        summary="Add a webhook",
        description=DESCRIPTION,
        request=NewWebhookSerializer,
        responses={
            201: IssuedWebhookSerializer,
            409: OpenApiResponse(ERROR, "The clinic has as many webhooks as it can have."),
        },
    )
    @idempotent
    def post(self, request: Request) -> Response:
        asked = NewWebhookSerializer(data=request.data, context={"request": request})
        asked.is_valid(raise_exception=True)
        return answer_with_secret(
            create_endpoint(actor=self.request.user, **asked.validated_data), status=201
        )


class WebhookDetail(WebhookView):
    @extend_schema(operation_id="webhooks_read", summary="Read a webhook")
    def get(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        operation_id="webhooks_update",
        summary="Change a webhook, or switch it off or on",
        request=WebhookChangesSerializer,
        responses={200: WebhookSerializer, 400: BAD_INPUT, 409: GONE},
    )
    def patch(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002
        endpoint = self.get_object()
        asked = WebhookChangesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        changes = dict(asked.validated_data)
        is_active = changes.pop("is_active", None)
        with transaction.atomic():
            if changes:
                endpoint = update_endpoint(actor=self.request.user, endpoint=endpoint, **changes)
            if is_active is not None:
                endpoint = set_endpoint_active(
                    actor=self.request.user, endpoint=endpoint, is_active=is_active
                )
        return Response(self.get_serializer(endpoint).data)

    @extend_schema(
        operation_id="webhooks_delete", summary="Remove a webhook", responses={204: None, 409: GONE}
    )
    def delete(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002
        remove_endpoint(actor=self.request.user, endpoint=self.get_object())
        return Response(status=204)


class WebhookSecret(WebhookView):
    @extend_schema(
        operation_id="webhooks_rotate_secret",
        summary="Make a new secret",
        description="The former one signs too for some hours: see `previous_secret_until`.",
        request=None,
        responses={200: IssuedWebhookSerializer, 409: GONE},
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002
        return answer_with_secret(rotate_secret(actor=self.request.user, endpoint=self.get_object()))


def answer_with_secret(issued: IssuedSecret, *, status: int = 200) -> Response:
    endpoint: Any = issued.endpoint
    endpoint.secret = issued.secret
    return Response(IssuedWebhookSerializer(endpoint).data, status=status)


# --- Deliveries ---------------------------------------------------------------------------------


OFF = OpenApiResponse(ERROR, "The webhook is off or removed, or the event is being sent already.")


class WebhookDeliveryFilter(FilterSet):
    state = django_filters.ChoiceFilter(choices=DeliveryState.choices)
    type = django_filters.ChoiceFilter(field_name="event__type", choices=WebhookEventType.choices)
    event = django_filters.UUIDFilter()

    class Meta:
        model = WebhookDelivery
        fields: list[str] = []


class WebhookDeliveryList(PortalList):
    scopes = scopes_for("webhooks")
    permission_classes = [MayAdminister]
    serializer_class = WebhookDeliverySerializer
    queryset = WebhookDelivery.objects.none()
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
