from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import QueryDict
from rest_framework.response import Response

from classifier.fhir.bundles import build_entry, build_searchset, finish
from classifier.fhir.including import find_included
from classifier.fhir.negotiation import SearchForm
from classifier.fhir.search import read_query
from classifier.fhir.viewer import Viewer
from classifier.fhir.views.base import SEARCH, KindView, is_strict
from classifier.services.access import record_listed
from portal.accounts.roles import ROLES_ALLOWED

if TYPE_CHECKING:
    from rest_framework.request import Request

    from classifier.fhir.including import Found
    from classifier.fhir.search import Query
    from classifier.fhir.systems import JSON


class Search(KindView):
    """A searchset whose reading leaves one event in each clinic of the caller, or of what was shown."""

    def get(self, request: Request) -> Response:
        return self.answer(request, request.query_params, is_posted=False)

    def answer(self, request: Request, sent: QueryDict, *, is_posted: bool) -> Response:
        viewer = Viewer.of(request)
        query = read_query(self.kind, sent, is_strict=is_strict(request), is_posted=is_posted)
        with transaction.atomic():
            page = self.kind.search(viewer, query)
            resources = finish(self.kind, page.rows, viewer)
            included = find_included(self.kind, resources, query, viewer)
            self._record(viewer, query, page.rows, included)
            links = {"self": self._link(viewer, query, query.cursor)}
            if page.next_cursor:
                links["next"] = self._link(viewer, query, page.next_cursor)
            entries = [build_entry(one, base=viewer.base, mode="match") for one in resources]
            entries += [self._include(found, viewer) for found in included]
            return Response(build_searchset(entries, total=page.total, links=links))

    def _link(self, viewer: Viewer, query: Query, cursor: str) -> str:
        return f"{viewer.base}/{self.kind.name}?{query.describe(self.kind, cursor=cursor)}"

    def _include(self, found: Found, viewer: Viewer) -> JSON:
        return build_entry(found.resource, base=viewer.base, mode="include")

    def _record(self, viewer: Viewer, query: Query, rows: list[Any], included: list[Found]) -> None:
        if not self.kind.listed:
            return
        shown = Counter(self.kind.clinic_of(row) for row in rows)
        beside = Counter(found.clinic_id for found in included)
        asked = [pk for pk, role in viewer.roles.items() if role in ROLES_ALLOWED[self.kind.action]]
        # A patient opened in an emergency is of a clinic besides the caller's own.
        for clinic_id in dict.fromkeys([*asked, *shown, *(pk for pk in beside if pk)]):
            record_listed(
                actor=viewer.user,
                clinic_id=clinic_id,
                what=self.kind.listed,
                details={
                    "rows": shown[clinic_id],
                    "included": beside[clinic_id],
                    "filters": sorted({name for name, _ in query.filters}),
                    "source": "fhir",
                },
            )


class PostSearch(Search):
    """The same with its parameters in the body: for what identifies a patient."""

    parser_classes = [SearchForm]
    scopes = SEARCH
    http_method_names = ["post"]

    def post(self, request: Request) -> Response:
        # What stands in the address is as open as in a GET.
        read_query(self.kind, request.query_params, is_strict=False, is_posted=False)
        sent = QueryDict(mutable=True)
        sent.update(request.query_params)
        sent.update(request.data)
        return self.answer(request, sent, is_posted=True)
