"""Observation and Provenance: what was found, and who or what found it."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db.models import F, Prefetch

from classifier.domain.states import PredictionState
from classifier.fhir.builders.observations import build_observation
from classifier.fhir.builders.provenance import build_prediction_provenance, build_review_provenance
from classifier.fhir.errors import FhirError, Issue
from classifier.fhir.paging import BundlePage
from classifier.fhir.resources.base import Kind, Param, by_change, by_id, by_reference, read_references
from classifier.fhir.resources.cases import newest_of, signed_at
from classifier.models import Prediction, Review, Submission
from classifier.standing.summary import summarise, summary_prefetches

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from classifier.fhir.search import Query
    from classifier.fhir.systems import JSON
    from classifier.fhir.viewer import Viewer

MADE = [PredictionState.SUCCEEDED, PredictionState.REJECTED, PredictionState.FAILED]


def _select_observations(viewer: Viewer) -> QuerySet[Prediction]:
    cases = Submission.objects.select_related("clinic", "lesion").prefetch_related(*summary_prefetches())
    return (
        Prediction.objects.visible_to(viewer.user)
        .served()
        .prefetch_related("image", Prefetch("image__submission", cases))
        .annotate(
            changed_at=newest_of(
                "queued_at",
                "started_at",
                "finished_at",
                "image__submission__cancelled_at",
                signed_at("image__submission"),
            )
        )
    )


def _build_observation(row: Prediction, viewer: Viewer) -> JSON:
    case = row.image.submission
    return build_observation(row, summarise(case, role=viewer.roles.get(case.clinic_id)))


OBSERVATION = Kind(
    name="Observation",
    words=(
        "What a network says of one image: a calibrated probability, interpreted by the policy in "
        "force then; without a value where it could not judge or where your clinic has you read first."
    ),
    rows=_select_observations,
    build=_build_observation,
    order="queued_at",
    params={
        "_id": by_id(),
        "_lastUpdated": by_change(),
        "based-on": by_reference("image__submission", "ServiceRequest", words="The case."),
        "derived-from": by_reference("image", "Media", words="The image that was judged."),
        "device": by_reference("model_version", "Device", words="The network that judged."),
        "patient": by_reference("image__submission__lesion__patient", "Patient", words="Whose lesion."),
        "subject": by_reference("image__submission__lesion__patient", "Patient", words="Whose lesion."),
    },
    includes={
        "based-on": "basedOn",
        "derived-from": "derivedFrom",
        "device": "device",
        "patient": "subject",
        "subject": "subject",
    },
    revincludes=("Provenance:target",),
    listed="prediction",
    clinic_of=attrgetter("image.clinic_id"),
)


class ProvenanceKind(Kind):
    """Rows of two tables: a search names what they are about, so that there are few."""

    def find(self, viewer: Viewer, key: uuid.UUID) -> Prediction | Review | None:
        return _made(viewer).filter(pk=key).first() or _signed(viewer).filter(pk=key).first()

    def find_all(self, viewer: Viewer, keys: Iterable[str]) -> list[Any]:
        keys = list(keys)
        return [*_made(viewer).filter(pk__in=keys), *_signed(viewer).filter(pk__in=keys)]

    def find_referring(self, viewer: Viewer, param: str, references: list[str]) -> list[Any]:  # noqa: ARG002
        return _find_by_targets(viewer, references)

    def search(self, viewer: Viewer, query: Query) -> BundlePage:
        if not query.filters:
            text = (
                "Name what you want to know the maker of: target=DiagnosticReport/… or target=Observation/…"
            )
            raise FhirError(400, Issue("target_required", text, kind="required"))
        found = [_find_by_targets(viewer, values) for _, values in query.filters]
        kept = [row for row in found[0] if all(row in others for others in found[1:])]
        return BundlePage([] if query.is_count_only else kept, len(kept))


def _made(viewer: Viewer) -> QuerySet[Prediction]:
    rows = Prediction.objects.visible_to(viewer.user).served().filter(state__in=MADE)
    return rows.select_related("image").annotate(changed_at=F("finished_at"))


def _signed(viewer: Viewer) -> QuerySet[Review]:
    rows = Review.objects.visible_to(viewer.user).select_related("submission")
    return rows.annotate(changed_at=F("signed_at"))


def _find_by_targets(viewer: Viewer, references: list[str]) -> list[Any]:
    kinds = ("DiagnosticReport", "Observation")
    read_references(references, kinds, viewer.base)  # refuses other kinds

    def name(kind: str) -> list[uuid.UUID]:
        return read_references([one for one in references if f"{kind}/" in one], (kind,), viewer.base)

    signed = _signed(viewer).filter(submission__in=name(kinds[0])).order_by("signed_at")
    made = _made(viewer).filter(pk__in=name(kinds[1])).order_by("finished_at")
    return [*signed, *made]


def _build_provenance(row: Prediction | Review, _: Viewer) -> JSON:
    return build_review_provenance(row) if isinstance(row, Review) else build_prediction_provenance(row)


PROVENANCE = ProvenanceKind(
    name="Provenance",
    words="Which network made an Observation, and who signed or amended a DiagnosticReport, and why.",
    rows=_made,
    build=_build_provenance,
    order="finished_at",
    params={
        "target": Param(
            "reference",
            lambda rows, *_: rows,
            "What was made: a DiagnosticReport or an Observation. Always needed.",
        )
    },
    listed="provenance",
    clinic_of=lambda row: (row.submission if isinstance(row, Review) else row.image).clinic_id,
)
