"""Serializers of whoever asks: tokens, clinics, people and memberships."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from portal.trust.accounts.models import Clinic, Membership, User
from portal.trust.accounts.roles import ROLES_ALLOWED, Action, Role


class TokenRequestSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(write_only=True)
    password = serializers.CharField(write_only=True, trim_whitespace=False, style={"input_type": "password"})


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(source="text", help_text="Shown this once; send it as Bearer.")
    expiry = serializers.DateTimeField()
    scopes = serializers.ListField(child=serializers.CharField(), help_text="What it may do at most.")


class ClinicSerializer(serializers.ModelSerializer[Clinic]):
    class Meta:
        model = Clinic
        fields = ["id", "name"]


class ClinicDetailSerializer(serializers.ModelSerializer[Clinic]):
    prevalence = serializers.FloatField(
        read_only=True,
        help_text="The share of its lesions that are malignant, for which results from now on are told: "
        "0.03 in primary care and 0.15 in dermatology, unless the clinic says another.",
    )

    class Meta:
        model = Clinic
        fields = [
            *("id", "name", "kind", "prevalence", "hide_result_until_read"),
            *("consent_recorded_in", "created_at"),
        ]
        read_only_fields = fields
        extra_kwargs = {
            "hide_result_until_read": {
                "help_text": "Whether dermatologists read the images before they see the model's answer."
            },
            "consent_recorded_in": {
                "help_text": "Where consent to judgement by a model is recorded; empty: in this portal."
            },
        }


class PersonSerializer(serializers.ModelSerializer[User]):
    name = serializers.CharField(source="get_full_name", read_only=True)

    class Meta:
        model = User
        fields = ["id", "name"]


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    clinic = ClinicSerializer(read_only=True)
    role = serializers.ChoiceField(choices=Role.choices, read_only=True)
    may = serializers.SerializerMethodField(help_text="What this role allows in this clinic.")

    class Meta:
        model = Membership
        fields = ["clinic", "role", "may"]

    def get_may(self, membership: Membership) -> list[str]:
        # An emergency is opened in the browser by a person, never by a program.
        actions = set(ROLES_ALLOWED) - {Action.BREAK_GLASS}
        return [
            action.value
            for action in Action
            if action in actions and membership.role in ROLES_ALLOWED[action]
        ]


class MeSerializer(serializers.ModelSerializer[User]):
    memberships = MembershipSerializer(many=True, read_only=True, source="active_memberships")

    class Meta:
        model = User
        fields = ["id", "email", "full_name", "memberships"]
        read_only_fields = fields
