"""FHIR read, search, history, metadata and the bytes of a picture."""

from __future__ import annotations

import base64
from collections import Counter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import FileResponse, QueryDict
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.reverse import reverse

from classifier.cases.access import record_listed, record_viewed
from classifier.drf.views import FirstRenderer
from classifier.fhir.bundles import add_meta, build_entry, build_searchset, finish
from classifier.fhir.capability import build_capability_statement
from classifier.fhir.elements import instant, refer_to
from classifier.fhir.errors import FhirError
from classifier.fhir.including import find_included
from classifier.fhir.negotiation import SearchFormParser, wants_json
from classifier.fhir.search import check_names, make_cursor, read_query
from classifier.fhir.terminology import SYSTEMS, build_code_system
from classifier.fhir.viewer import Viewer, find_base
from classifier.fhir.views.base import SEARCH, FhirView, KindView, OpenView, answer_with, is_strict
from classifier.intake import DERIVATIVE_CONTENT_TYPE
from classifier.intake.stored import open_derivative
from classifier.models import SubmissionImage
from portal.trust.accounts.roles import ROLES_ALLOWED

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponseBase
    from rest_framework.request import Request
    from rest_framework.response import Response

    from classifier.fhir.including import Found
    from classifier.fhir.resources.base import Version
    from classifier.fhir.search import Query
    from classifier.fhir.systems import JSON


class Read(KindView):
    """One resource, and the event that says who looked at it."""

    def get(self, request: Request, pk: uuid.UUID) -> Response:
        viewer = Viewer.of(request)
        with transaction.atomic():
            row = self.kind.find(viewer, pk)
            if row is None:
                raise NotFound(f"There is no such {self.kind.name}, or none that you may see.")
            if self.kind.listed:
                record_viewed(
                    actor=self.request.user,
                    obj=row,
                    clinic_id=self.kind.clinic_of(row),
                    shows_standing=self.kind.shows_standing,
                )
            (resource,) = finish(self.kind, [row], viewer)
            return answer_with(request, resource, self.kind.changed_at(row))


# --- CapabilityStatement and CodeSystem ---------------------------------------------------------


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


# --- History ------------------------------------------------------------------------------------


class _VersionsView(KindView):
    def list_versions(self, viewer: Viewer, pk: uuid.UUID, *, wanted: str = "") -> list[Version]:
        """Newest first, and the event that says who looked at them, or at the `wanted` one alone."""
        row = self.kind.find(viewer, pk)
        if row is None or self.kind.versions is None:
            raise NotFound(f"There is no such {self.kind.name}, or none that you may see.")
        versions = self.kind.versions(row, viewer)
        record_viewed(
            actor=viewer.user,
            obj=row,
            clinic_id=self.kind.clinic_of(row),
            # What a report said before is not what the case stands for.
            shows_standing=not wanted or versions[0].version_id == wanted,
        )
        return versions


class VersionRead(_VersionsView):
    def get(self, request: Request, pk: uuid.UUID, version: str) -> Response:
        with transaction.atomic():
            versions = self.list_versions(Viewer.of(request), pk, wanted=version)
            found = next((one for one in versions if one.version_id == version), None)
            if found is None:
                raise NotFound("There is no such version, or you never saw it so. Read _history.")
            return answer_with(request, found.resource, found.changed_at)


class History(_VersionsView):
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        viewer = Viewer.of(request)
        with transaction.atomic():
            versions = self.list_versions(viewer, pk)
            bundle = {
                "resourceType": "Bundle",
                "type": "history",
                "total": len(versions),
                "link": [{"relation": "self", "url": f"{viewer.base}/{self.kind.name}/{pk}/_history"}],
                "entry": [_build_entry(one, viewer.base, is_first=one is versions[-1]) for one in versions],
            }
            return Response(bundle)


def _build_entry(version: Version, base: str, *, is_first: bool) -> JSON:
    kind, key = version.resource["resourceType"], version.resource["id"]
    changed = {"lastModified": instant(version.changed_at)} if version.changed_at else {}
    return {
        "fullUrl": f"{base}/{kind}/{key}",
        "resource": version.resource,
        "request": {"method": "POST", "url": kind} if is_first else {"method": "PUT", "url": f"{kind}/{key}"},
        "response": {
            "status": "201" if is_first else "200",
            "etag": f'W/"{version.version_id}"',
            **changed,
        },
    }


class Search(KindView):
    """A searchset whose reading leaves one event in each clinic of the caller, or of what was shown."""

    def get(self, request: Request) -> Response:
        return self.answer(request, request.query_params, is_posted=False)

    def answer(self, request: Request, sent: QueryDict, *, is_posted: bool) -> Response:
        viewer = Viewer.of(request)
        query = read_query(self.kind, sent, viewer, is_strict=is_strict(request), is_posted=is_posted)
        with transaction.atomic():
            page = self.kind.search(viewer, query)
            resources = finish(self.kind, page.rows, viewer)
            included = find_included(self.kind, resources, query, viewer)
            self._record(viewer, query, page.rows, included)
            links = {"self": self._link(viewer, query, self._find_own_cursor(viewer, query))}
            if page.next_place:
                cursor = make_cursor(query, self.kind, viewer, place=page.next_place)
                links["next"] = self._link(viewer, query, cursor)
            entries = [build_entry(one, base=viewer.base, mode="match") for one in resources]
            entries += [self._include(found, viewer) for found in included]
            return Response(build_searchset(entries, total=page.total, links=links))

    def _link(self, viewer: Viewer, query: Query, cursor: str) -> str:
        return f"{viewer.base}/{self.kind.name}?{query.describe(self.kind, cursor=cursor)}"

    def _find_own_cursor(self, viewer: Viewer, query: Query) -> str:
        """That of this page: as it was sent, or what a posted search gets to be asked again by GET."""
        try:
            return (
                query.cursor if query.is_sealed else make_cursor(query, self.kind, viewer, place=query.place)
            )
        except FhirError:
            return ""  # too long for an address, and not needed to go on

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

    parser_classes = [SearchFormParser]
    scopes = SEARCH
    http_method_names = ["post"]

    def post(self, request: Request) -> Response:
        # What stands in the address is as open as in a GET.
        check_names(self.kind, request.query_params)
        sent = QueryDict(mutable=True)
        sent.update(request.query_params)
        sent.update(request.data)
        return self.answer(request, sent, is_posted=True)


class Binary(FhirView):
    """An image rebuilt from its pixels, without metadata; the original is sealed.

    The bytes, or the resource where FHIR is asked for.
    """

    content_negotiation_class = FirstRenderer

    def get(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        with transaction.atomic():
            image = SubmissionImage.objects.visible_to(self.request.user).filter(pk=pk).first()
            if image is None:
                raise NotFound("There is no such Binary, or none that you may see.")
            record_viewed(actor=self.request.user, obj=image, clinic_id=image.clinic_id)
            file = open_derivative(image)
        if not wants_json(request.headers) and "_format" not in request.query_params:
            return FileResponse(file, content_type=DERIVATIVE_CONTENT_TYPE, filename=f"{image.pk}.jpg")
        with file:
            data = base64.b64encode(file.read()).decode()
        return answer_with(request, self._build(image, data), image.created_at)

    def _build(self, image: SubmissionImage, data: str) -> dict[str, Any]:
        binary = {
            "resourceType": "Binary",
            "id": str(image.pk),
            "contentType": DERIVATIVE_CONTENT_TYPE,
            # Who may see the Media may see its bytes.
            "securityContext": refer_to("Media", image.pk),
            "data": data,
        }
        return add_meta(binary, image.created_at)
