"""Content negotiation: JSON alone, under FHIR's name or its own. `_format` goes before `Accept`."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser, FormParser
from rest_framework.renderers import JSONRenderer

from classifier.domain.limits import describe_bytes
from classifier.drf.exceptions import TooLarge
from classifier.fhir.errors import FhirError, Issue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

    from rest_framework.request import Request

FHIR_JSON = "application/fhir+json"
FORMATS = {"json", "text/json", "application/json", FHIR_JSON}
ACCEPTED = {"application/json", "text/json", FHIR_JSON, "application/*", "*/*"}


class FhirRenderer(JSONRenderer):
    media_type = FHIR_JSON
    format = "json"
    charset = "utf-8"


class FhirNegotiation(DefaultContentNegotiation):
    def select_renderer(
        self,
        request: Request,
        renderers: Any,
        format_suffix: str | None = None,  # noqa: ARG002
    ) -> Any:
        # A plus in an address means a space: application/fhir+json arrives torn.
        wanted = request.query_params.get("_format", "").strip().replace(" ", "+")
        offered = {wanted.partition(";")[0]} if wanted else _list_accepted(request.headers)
        if not offered & (FORMATS if wanted else ACCEPTED):
            raise NotAcceptable("This server answers in application/fhir+json.")
        return renderers[0], renderers[0].media_type


def _list_accepted(headers: Mapping[str, str]) -> set[str]:
    ranges = headers.get("Accept", "*/*").split(",")
    return {one.partition(";")[0].strip().lower() for one in ranges}


def wants_json(headers: Mapping[str, str]) -> bool:
    """Whether a Binary is asked for as a resource rather than as its bytes."""
    return bool(_list_accepted(headers) & {FHIR_JSON, "application/json", "text/json"})


class FhirParser(BaseParser):
    """JSON up to a limit: it is held in memory whole."""

    media_type = FHIR_JSON

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Any:
        data = _read_up_to(settings.DERMAPORT_FHIR_MAX_BYTES, stream)
        try:
            return json.loads(data, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            # What the parser says quotes nothing but a place.
            raise FhirError(400, Issue("malformed_json", "This is no JSON.", kind="structure")) from error


class PlainJsonParser(FhirParser):
    media_type = "application/json"


class SearchFormParser(FormParser):
    """A search's parameters, as long as the site takes the text of any form."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        data = _read_up_to(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, stream)
        return super().parse(io.BytesIO(data), media_type, parser_context)


def _read_up_to(most: int, stream: IO[Any]) -> bytes:
    data: bytes = stream.read(most + 1)
    if len(data) > most:
        raise TooLarge(f"A request may have {describe_bytes(most)}; this one has more.")
    return data


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
