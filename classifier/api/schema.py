"""What OpenAPI is told besides the serializers: one error shape for every operation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema_field
from rest_framework import serializers

from classifier.api.errors import PROBLEM_JSON
from classifier.api.idempotency import KEY_LIMIT
from classifier.api.problems import PROBLEMS


class FieldErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Such as birth_date or images.0; also a header or parameter.")
    code = serializers.CharField(help_text="Stable; for programs.")
    detail = serializers.CharField(help_text="A sentence for people.")


@extend_schema_field({"type": "string", "x-extensible-enum": sorted(PROBLEMS)})
class CodeField(serializers.CharField):
    pass


class ErrorSerializer(serializers.Serializer[Any]):
    """Every error looks like this (RFC 9457); /api/v1/errors/ explains the codes."""

    type = serializers.CharField(help_text="The address that explains the code, relative to the site.")
    title = serializers.CharField(help_text="The kind of error in a few words.")
    status = serializers.IntegerField(min_value=400, max_value=599)
    code = CodeField(help_text="Stable; for programs. New ones may be added.")
    detail = serializers.CharField(help_text="A sentence for people, with the limit and what was received.")
    fields = FieldErrorSerializer(  # type: ignore[assignment] # the name that integrators expect
        many=True, help_text="One entry for each field that is wrong; empty where none is."
    )


ERROR = ErrorSerializer
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": KEY_LIMIT},
    OpenApiParameter.HEADER,
    description=(
        "A word of your own for this request, kept for 24 hours. Send the same request with it again "
        "after a lost answer: nothing is done twice, and you get the first answer, with the header "
        "`Idempotency-Replayed: true`. After an error the key is free again."
    ),
)
WORDS = {
    "400": "The input can't be taken; one entry for each field that is wrong.",
    "401": "Nobody is logged in, or the token ended.",
    "403": "You may see it, but your role doesn't allow this.",
    "404": "There is no such thing, or none that you may see.",
    "409": "A request with this Idempotency-Key is still running, or the state doesn't allow this.",
    "422": "This Idempotency-Key came with another request before.",
    "429": "Too often. Wait as long as Retry-After says.",
    "default": "Any other error, in the same shape.",
}


class PortalAutoSchema(AutoSchema):
    def _get_response_bodies(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        bodies = super()._get_response_bodies(*args, **kwargs)
        for code in self._list_error_codes():
            error = OpenApiResponse(ErrorSerializer, WORDS[code])
            bodies.setdefault(code, self._get_response_for_code(error, code))
        return dict(sorted(bodies.items()))

    def _get_response_for_code(
        self,
        serializer: Any,
        status_code: str,
        media_types: list[str] | None = None,
        direction: str = "response",
    ) -> dict[str, Any]:
        if getattr(serializer, "response", None) is ErrorSerializer:
            media_types = [PROBLEM_JSON]
        body: dict[str, Any] = super()._get_response_for_code(serializer, status_code, media_types, direction)
        return body

    def get_override_parameters(self) -> list[Any]:
        return [*super().get_override_parameters(), *([IDEMPOTENCY_KEY] if self._is_idempotent() else [])]

    def _is_idempotent(self) -> bool:
        return self.method == "POST" and hasattr(self.view.post, "is_idempotent")

    def _list_error_codes(self) -> list[str]:
        codes = ["default"]
        takes_input = self.method == "POST" and self.get_request_serializer() is not None
        if takes_input or self._is_list_view():
            codes.append("400")
        if any(self.get_auth()):
            codes += ["401", "403"]
        if "{" in self.path:
            codes.append("404")
        if self._is_idempotent():
            codes += ["409", "422"]
        if getattr(self.view, "throttle_scope", None) and self.view.get_throttles():
            codes.append("429")
        return codes
