"""What a resource said before: its history, and one version of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from classifier.fhir.elements import instant
from classifier.fhir.viewer import Viewer
from classifier.fhir.views.base import KindView, answer_with
from classifier.services.access import record_viewed

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from classifier.fhir.resources.base import Version
    from classifier.fhir.systems import JSON


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
