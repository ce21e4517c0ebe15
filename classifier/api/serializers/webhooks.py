"""Serializers of webhook endpoints, their events and deliveries."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from classifier.api import examples
from classifier.api.serializers.fields import ChoiceField, StrictSerializer
from classifier.domain.states import DeliveryState
from classifier.domain.vocabulary import CHOSEN_EVENTS, DisabledReason, WebhookEventType
from classifier.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from portal.trust.accounts.models import Clinic, Membership
from portal.trust.accounts.roles import Role


class WebhookSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """An address that is told of events. Its secret is in the answers that made it, and only there."""

    events = serializers.ListField(child=serializers.ChoiceField(choices=CHOSEN_EVENTS), read_only=True)
    disabled_reason = serializers.ChoiceField(
        choices=["", *DisabledReason.values], read_only=True, help_text="Empty while it is active."
    )
    failing_since = serializers.DateTimeField(
        read_only=True,
        allow_null=True,
        help_text="The first failure since the last success; null while all is well.",
    )
    previous_secret_until = serializers.DateTimeField(
        source="previous_until",
        read_only=True,
        allow_null=True,
        help_text="Until then the former secret signs too; null where none does.",
    )

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id",
            "clinic",
            "url",
            "description",
            "events",
            "is_active",
            "disabled_reason",
            "disabled_at",
            "failing_since",
            "previous_secret_until",
            "created_at",
        ]
        read_only_fields = fields


class IssuedWebhookSerializer(WebhookSerializer):
    """A webhook with its new secret, shown this once."""

    secret = serializers.CharField(read_only=True)

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]
        read_only_fields = fields


@examples.asked("A webhook", examples.NEW_WEBHOOK)
class NewWebhookSerializer(StrictSerializer):
    # Empty until it is narrowed to the clinics of the caller.
    clinic = serializers.PrimaryKeyRelatedField(
        queryset=Clinic.objects.none(),
        pk_field=serializers.UUIDField(),
        required=False,
        help_text="May be left out if you administer one clinic.",
    )
    url = serializers.CharField(help_text="https, a public address, a usual port.")
    description = serializers.CharField(required=False, allow_blank=True)
    events = serializers.ListField(child=ChoiceField(choices=CHOSEN_EVENTS), allow_empty=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        if request := self.context.get("request"):
            clinic: Any = fields["clinic"]
            clinic.queryset = Clinic.objects.visible_to(request.user)
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "clinic" not in attrs:
            attrs["clinic"] = self._find_only_clinic()
        return attrs

    def _find_only_clinic(self) -> Clinic:
        held = Membership.objects.held_by(self.context["request"].user).filter(role=Role.ADMINISTRATOR)
        clinics = list(Clinic.objects.filter(pk__in=held.values("clinic_id"))[:2])
        if len(clinics) != 1:
            raise serializers.ValidationError(
                {"clinic": "You administer more than one clinic: name one."}, code="clinic_missing"
            )
        return clinics[0]


@examples.asked("Other events", examples.WEBHOOK_CHANGES)
class WebhookChangesSerializer(StrictSerializer):
    """What is left out stays."""

    url = serializers.CharField(required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    events = serializers.ListField(
        child=ChoiceField(choices=CHOSEN_EVENTS), allow_empty=False, required=False
    )
    is_active = serializers.BooleanField(required=False)


class WebhookEventSerializer(serializers.ModelSerializer[WebhookEvent]):
    type = serializers.ChoiceField(choices=WebhookEventType.choices, read_only=True)

    class Meta:
        model = WebhookEvent
        fields = ["id", "type", "submission", "created_at"]
        read_only_fields = fields


class WebhookDeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """One event on its way to one webhook, with what came of the last try."""

    event = WebhookEventSerializer(read_only=True)
    state = serializers.ChoiceField(choices=DeliveryState.choices, read_only=True)
    attempt = serializers.IntegerField(read_only=True, help_text="How many tries there were.")
    error_code = serializers.CharField(read_only=True, help_text="Empty where the last try arrived.")

    class Meta:
        model = WebhookDelivery
        fields = [
            "id",
            "event",
            "state",
            "attempt",
            "created_at",
            "attempted_at",
            "next_attempt_at",
            "finished_at",
            "status_code",
            "error_code",
            "answer",
            "milliseconds",
        ]
        read_only_fields = fields
