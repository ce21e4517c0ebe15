"""OpenAPI: what the schema holds besides the serializers: one error shape for every operation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema_field
from rest_framework import serializers

from classifier.api import examples
from classifier.api.errors import PROBLEM_JSON
from classifier.api.idempotency import KEY_LIMIT
from classifier.api.links import add_links
from classifier.api.listing import EXPAND, find_parts
from classifier.api.problems import PROBLEMS
from classifier.api.serializers.fields import StrictSerializer


class FieldErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Such as birth_date or images.0; also a header or parameter.")
    code = serializers.CharField(help_text="Stable; for programs.")
    detail = serializers.CharField(help_text="A sentence for people.")


@extend_schema_field({"type": "string", "x-extensible-enum": sorted(PROBLEMS)})
class CodeField(serializers.CharField):
    pass


@examples.answered(400, "A wrong field", examples.PROBLEM)
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
    "412": "Somebody changed it after you read it (If-Match).",
    "422": "This Idempotency-Key came with another request before.",
    "429": "Too often. Wait as long as Retry-After says.",
    "default": "Any other error, in the same shape.",
}


CREATED = [
    OpenApiParameter(
        "Location", OpenApiTypes.URI, OpenApiParameter.HEADER, response=[201], description="What was made."
    ),
]
ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="How it stands now; send it back as If-Match or If-None-Match.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag that you have. Where it still holds, you get 304 without a body.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag that you read. Where somebody was faster, nothing is done and you get 412.",
)


def describe_expand(names: list[str]) -> OpenApiParameter:
    return OpenApiParameter(
        EXPAND,
        {"type": "array", "items": {"type": "string", "enum": names}},
        explode=False,
        description="Names, separated by commas, of what to send in full under `expanded`.",
    )


class PortalAutoSchema(AutoSchema):
    def _get_response_bodies(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        bodies = super()._get_response_bodies(*args, **kwargs)
        for code in self._list_error_codes():
            error = OpenApiResponse(ErrorSerializer, WORDS[code])
            bodies.setdefault(code, self._get_response_for_code(error, code))
        if self._is_conditional_read():
            bodies["304"] = {"description": "You have it as it stands (If-None-Match)."}
        add_links(self.get_operation_id(), bodies)
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
        body: dict[str, Any] = super()._get_response_for_code(  # type: ignore[no-untyped-call]  # as it is there
            serializer, status_code, media_types, direction
        )
        return body

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        shape: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]  # as above
        if isinstance(serializer, StrictSerializer):
            shape["additionalProperties"] = False
        return shape

    def get_override_parameters(self) -> list[Any]:
        added = [IDEMPOTENCY_KEY] if self._is_idempotent() else []
        if self._has_tag():
            added.append(ETAG)
        if self._is_conditional_read():
            added.append(IF_NONE_MATCH)
        if self._is_conditional_write():
            added.append(IF_MATCH)
        if self.method == "GET" and (parts := find_parts(getattr(self.view, "serializer_class", None))):
            added.append(describe_expand(sorted(parts)))
        return [*super().get_override_parameters(), *added]

    def _has_tag(self) -> bool:
        return getattr(self.view, "has_tag", False) and not self._is_list_view()

    def _is_conditional_read(self) -> bool:
        return self.method == "GET" and self._has_tag()

    def _is_conditional_write(self) -> bool:
        return self.method in ("PATCH", "POST") and self._has_tag()

    def _is_idempotent(self) -> bool:
        return self.method == "POST" and hasattr(getattr(self.view, "post", None), "is_idempotent")

    def _list_error_codes(self) -> list[str]:
        codes = ["default"]
        takes_input = self.method in ("POST", "PATCH") and self.get_request_serializer() is not None
        if takes_input or self._is_list_view():
            codes.append("400")
        if any(self.get_auth()):
            codes += ["401", "403"]
        if "{" in self.path:
            codes.append("404")
        if self._is_conditional_write():
            codes.append("412")
        if self._is_idempotent():
            codes += ["409", "422"]
        if any(self.get_auth()) or getattr(self.view, "throttle_scope", None):
            codes.append("429")
        return codes
