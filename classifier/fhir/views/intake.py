"""FHIR transactions that bring a case in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from rest_framework.response import Response

from classifier.cases.access import record_viewed
from classifier.drf.permissions import MaySubmit
from classifier.fhir.bundles import finish
from classifier.fhir.errors import Issue, build_notices
from classifier.fhir.intake.bundle import BundleEntry, OrderBundle, open_bundle, open_request
from classifier.fhir.intake.order import IntakeOrder, read_order
from classifier.fhir.intake.submit import submit_order
from classifier.fhir.resources import KINDS
from classifier.fhir.viewer import Viewer, find_base
from classifier.fhir.views.base import READ, WRITE, FhirView, answer_with
from classifier.fhir.views.read import Search

if TYPE_CHECKING:
    from rest_framework.request import Request

    from classifier.fhir.systems import JSON
    from classifier.intake.submission import Submitted


class Transaction(FhirView):
    """A case as a transaction Bundle: taken whole, or not at all."""

    scopes = WRITE

    def get_permissions(self) -> list[Any]:
        return [*super().get_permissions(), MaySubmit()]

    def post(self, request: Request) -> Response:
        bundle = open_bundle(request.data, base=find_base(request))
        order = read_order(bundle, user=self.request.user)
        taken = submit_order(order, user=self.request.user)
        return Response(_answer(bundle, order, taken))


class ServiceRequests(Search):
    """Searched like every other type; and posted, with what is new about the case in `contained`."""

    scopes = {**READ, **WRITE}

    def get_permissions(self) -> list[Any]:
        more = [MaySubmit()] if self.request.method == "POST" else []
        return [*super().get_permissions(), *more]

    def post(self, request: Request) -> Response:
        viewer = Viewer.of(request)
        order = read_order(open_request(request.data, base=viewer.base), user=self.request.user)
        taken = submit_order(order, user=self.request.user)
        with transaction.atomic():
            row: Any = self.kind.find(viewer, taken.submission.pk)
            record_viewed(
                actor=self.request.user,
                obj=row,
                clinic_id=row.clinic_id,
                shows_standing=self.kind.shows_standing,
            )
            (resource,) = finish(self.kind, [row], viewer)
        response = answer_with(request, resource, KINDS["ServiceRequest"].changed_at(row))
        response.status_code = 201 if taken.is_new else 200
        response["Location"] = f"{viewer.base}/ServiceRequest/{row.pk}"
        return response


def _answer(bundle: OrderBundle, order: IntakeOrder, taken: Submitted) -> JSON:
    entries = [{"response": _respond(entry, bundle, order, taken)} for entry in bundle.entries]
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}


def _respond(entry: BundleEntry, bundle: OrderBundle, order: IntakeOrder, taken: Submitted) -> JSON:
    """What became of one entry: where it is now, and what is worth a look."""
    case = taken.submission
    is_new = taken.is_new_patient if entry.kind == "Patient" else taken.is_new
    keys: dict[str, Any] = {
        "ServiceRequest": case.pk,
        "BodyStructure": case.lesion_id,
        "Patient": case.lesion.patient_id,
    }
    number = _find_number(entry, order)
    if number is not None:
        keys[entry.kind] = case.images.order_by("position")[number].pk
    response = {
        "status": "201 Created" if is_new else "200 OK",
        "location": f"{bundle.base}/{entry.kind}/{keys[entry.kind]}",
    }
    notices = [
        Issue(notice.code, notice.message, kind="informational")
        for notice in taken.notices
        if entry.kind == "Media" and notice.index == number
    ]
    return {**response, **({"outcome": build_notices(notices)} if notices else {})}


def _find_number(entry: BundleEntry, order: IntakeOrder) -> int | None:
    """Which image a Media or a Binary became, from 0."""
    pairs = enumerate(order.pictures)
    return next((number for number, one in pairs if entry is one.entry or entry is one.binary), None)
