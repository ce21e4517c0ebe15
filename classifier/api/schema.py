"""What OpenAPI is told besides the serializers: one error shape for every operation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class ErrorItemSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable; for programs.")
    detail = serializers.CharField(help_text="A sentence for people.")
    attr = serializers.CharField(
        allow_null=True, help_text="The field, such as birth_date or images.0; null for the whole."
    )


class ErrorSerializer(serializers.Serializer[Any]):
    """Every error looks like this."""

    type = serializers.ChoiceField(choices=["validation_error", "client_error", "server_error"])
    errors = ErrorItemSerializer(many=True)


ERROR = ErrorSerializer
WORDS = {
    "400": "The input can't be taken; one entry for each field that is wrong.",
    "401": "Nobody is logged in, or the token ended.",
    "403": "You may see it, but your role doesn't allow this.",
    "404": "There is no such thing, or none that you may see.",
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

    def _list_error_codes(self) -> list[str]:
        codes = ["default"]
        takes_input = self.method == "POST" and self.get_request_serializer() is not None
        if takes_input or self._is_list_view():
            codes.append("400")
        if any(self.get_auth()):
            codes += ["401", "403"]
        if "{" in self.path:
            codes.append("404")
        if getattr(self.view, "throttle_scope", None) and self.view.get_throttles():
            codes.append("429")
        return codes
