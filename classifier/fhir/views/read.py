from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from rest_framework.exceptions import NotFound

from classifier.fhir.bundles import finish
from classifier.fhir.viewer import Viewer
from classifier.fhir.views.base import KindView, answer_with
from classifier.services.access import record_viewed

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request
    from rest_framework.response import Response


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
