"""What the server is and what its codes mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.reverse import reverse

from classifier.fhir.bundles import add_meta, build_entry, build_searchset
from classifier.fhir.capability import build_capability_statement
from classifier.fhir.terminology import SYSTEMS, build_code_system
from classifier.fhir.viewer import find_base
from classifier.fhir.views.base import OpenView, answer_with

if TYPE_CHECKING:
    from rest_framework.request import Request


class Metadata(OpenView):
    def get(self, request: Request) -> Response:
        token_url = reverse("api-token", request=request)
        statement = build_capability_statement(base=find_base(request), token_url=token_url)
        return answer_with(request, add_meta(statement), None)


class CodeSystemRead(OpenView):
    def get(self, request: Request, key: str) -> Response:
        if key not in SYSTEMS:
            raise NotFound("There is no such CodeSystem.")
        return answer_with(request, add_meta(build_code_system(key)), None)


class CodeSystemSearch(OpenView):
    def get(self, request: Request) -> Response:
        base = find_base(request)
        systems = [add_meta(build_code_system(key)) for key in SYSTEMS]
        if "url" in request.query_params:
            systems = [one for one in systems if one["url"] == request.query_params["url"]]
        entries = [build_entry(one, base=base, mode="match") for one in systems]
        links = {"self": f"{base}/CodeSystem"}
        return Response(build_searchset(entries, total=len(entries), links=links))
