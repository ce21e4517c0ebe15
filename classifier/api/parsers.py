"""JSON bodies up to a limit, which is asked before they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import JSONRenderer

from classifier.domain.limits import describe_bytes
from classifier.drf.exceptions import TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO


class BoundedJSONParser(BaseParser):
    """JSON up to the limit that Django keeps for forms, or the view's own `json_limit`.

    Not a JSONParser: of those the framework reads the body beforehand, by Django's limit alone.
    """

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        context = parser_context or {}
        own = getattr(context.get("view"), "json_limit", None)
        limit = own() if own else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        # The server reads no further than this header says.
        length = int(context["request"].META.get("CONTENT_LENGTH") or 0)
        if length > limit:
            raise TooLarge(
                f"This body is {describe_bytes(length)}; at most {describe_bytes(limit)} are accepted."
            )
        try:
            return JSONParser().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
