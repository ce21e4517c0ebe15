"""ServiceRequest and DiagnosticReport, the two sides of a submission, and its Media."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import DateTimeField, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.urls import reverse

from classifier.domain.states import Headline, SubmissionState
from classifier.domain.vocabulary import Priority
from classifier.fhir.builders.cases import build_media, build_service_request
from classifier.fhir.builders.reports import build_diagnostic_report
from classifier.fhir.errors import FhirError, Issue
from classifier.fhir.resources.base import Kind, Param, by_change, by_code, by_date, by_id, by_reference
from classifier.fhir.search import read_token
from classifier.fhir.systems import FHIR
from classifier.fhir.versions import list_report_versions
from classifier.fhir.viewer import list_request_keys
from classifier.models import Outcome, Prediction, Review, Submission, SubmissionImage
from classifier.standing.summary import summarise, summary_prefetches

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.db.models.expressions import Combinable

    from classifier.fhir.systems import JSON
    from classifier.fhir.viewer import Viewer

State = SubmissionState


REQUEST_CONDITIONS: dict[str, Q] = {
    "revoked": Q(state=State.CANCELLED),
    "completed": Q(state=State.REVIEWED),
    "active": ~(Q(state=State.CANCELLED) | Q(state=State.REVIEWED)),
}
NOT_ASKED = Q(state=State.AWAITING_REVIEW, model_answer=Headline.NOT_ASKED)
REPORT_CONDITIONS: dict[str, Q] = {
    "registered": Q(state=State.IN_WORK) | Q(state=State.NO_RESULT) | NOT_ASKED,
    "preliminary": Q(state=State.AWAITING_REVIEW) & ~NOT_ASKED,
    "final": Q(state=State.REVIEWED) & Q(is_amended=False),
    "amended": Q(state=State.REVIEWED) & Q(is_amended=True),
    "cancelled": Q(state=State.CANCELLED),
}


def newest_of(first: str, *others: str | Subquery) -> Combinable:
    """The latest of these moments; `first` is always there, and stands in for those that aren't."""
    there = [Coalesce(F(other) if isinstance(other, str) else other, F(first)) for other in others]
    return Greatest(F(first), *there, output_field=DateTimeField())


def signed_at(reference: str) -> Subquery:
    """When the case that `reference` names was signed last."""
    reviews = Review.objects.filter(submission=OuterRef(reference)).order_by("-signed_at")
    return Subquery(reviews.values("signed_at")[:1])


def _select_requests(viewer: Viewer) -> QuerySet[Submission]:
    return (
        Submission.objects.visible_to(viewer.user)
        .select_related("lesion")
        .prefetch_related("images", "reviews")
        .annotate(changed_at=newest_of("submitted_at", "cancelled_at", signed_at("pk")))
    )


def _select_reports(viewer: Viewer) -> QuerySet[Submission]:
    judged = Prediction.objects.served().filter(image__submission=OuterRef("pk"), finished_at__isnull=False)
    judged_at = Subquery(judged.order_by("-finished_at").values("finished_at")[:1])
    found_at = Subquery(
        Outcome.objects.filter(lesion=OuterRef("lesion")).order_by("-recorded_at").values("recorded_at")[:1]
    )
    amendments = Review.objects.filter(submission=OuterRef("pk"), amends__isnull=False)
    return (
        Submission.objects.visible_to(viewer.user)
        .select_related("lesion__patient", "clinic", "cancelled_by")
        .prefetch_related(*summary_prefetches(), "reviews__acknowledgements", "lesion__outcomes__recorded_by")
        .annotate(
            is_amended=Exists(amendments),
            changed_at=newest_of("submitted_at", "cancelled_at", judged_at, signed_at("pk"), found_at),
        )
    )


def _narrow_by_identifier(
    rows: QuerySet[Submission], values: list[str], viewer: Viewer
) -> QuerySet[Submission]:
    tokens = [read_token(value) for value in values]
    if not all(token.code for token in tokens):
        text = "Give the value as well, as system|value: of an identifier a digest is kept, of its system nothing."
        raise FhirError(400, Issue("identifier_value_missing", text, kind="not-supported"))
    return rows.filter(request_key__in=list_request_keys(viewer.clinics, tokens))


def _build_report(row: Submission, viewer: Viewer) -> JSON:
    summary = summarise(row, role=viewer.roles.get(row.clinic_id))
    pdf = f"{viewer.site}{reverse('api-submission-report', args=[row.pk])}"
    return build_diagnostic_report(row, summary, pdf=pdf)


def _about_a_patient(lesion: str) -> dict[str, Param]:
    words = "Whose lesion it is about."
    return {
        name: by_reference(f"{lesion}__patient", "Patient", words=words) for name in ("patient", "subject")
    }


SUBJECT = {"patient": "subject", "subject": "subject"}

SERVICE_REQUEST = Kind(
    name="ServiceRequest",
    words="A case: who asks what about which lesion. `revoked` when cancelled, `completed` when signed.",
    rows=_select_requests,
    build=lambda row, _: build_service_request(row),
    order="submitted_at",
    params={
        "_id": by_id(),
        "_lastUpdated": by_change(),
        "identifier": Param(
            "token",
            _narrow_by_identifier,
            "The identifier it was sent with, as `system|value`. By POST to `_search` alone.",
            is_private=True,
        ),
        **_about_a_patient("lesion"),
        "status": by_code(
            REQUEST_CONDITIONS, "active, completed or revoked.", system=f"{FHIR}/request-status"
        ),
        "authored": by_date("submitted_at", "When it was sent."),
        "priority": by_code(
            {code: Q(priority=code) for code in Priority.values},
            "routine or urgent.",
            system=f"{FHIR}/request-priority",
        ),
    },
    includes={**SUBJECT, "requester": "requester", "performer": "performer"},
    revincludes=("DiagnosticReport:based-on", "Media:based-on", "Observation:based-on"),
    listed="submission",
    shows_standing=False,
)
DIAGNOSTIC_REPORT = Kind(
    name="DiagnosticReport",
    words=(
        "The answer to the ServiceRequest of the same id: `registered` while there is none, "
        "`preliminary` from the model, `final` when a dermatologist signed, `amended` after, "
        "`cancelled` with the case. The conclusion says what the case is held for: histopathology over the "
        "signed review over the model. A code of `urn:dermaport:code:standing` tells `refer` (the model "
        "doesn't decide) from `not_judged`."
    ),
    rows=_select_reports,
    build=_build_report,
    order="submitted_at",
    params={
        "_id": by_id(),
        "_lastUpdated": by_change(),
        "based-on": by_reference("pk", "ServiceRequest", words="The case it answers."),
        **_about_a_patient("lesion"),
        "status": by_code(
            REPORT_CONDITIONS,
            "registered, preliminary, final, amended or cancelled.",
            system=f"{FHIR}/diagnostic-report-status",
        ),
    },
    includes={
        **SUBJECT,
        "based-on": "basedOn",
        "result": "result",
        "media": "media",
        "results-interpreter": "resultsInterpreter",
    },
    revincludes=("Provenance:target",),
    listed="submission",
    versions=lambda row, viewer: list_report_versions(row, viewer, _build_report),
)
MEDIA = Kind(
    name="Media",
    words="An image. Its bytes are at `content.url`, a Binary, for who may see the Media.",
    rows=lambda viewer: (
        SubmissionImage.objects.visible_to(viewer.user)
        .select_related("submission__lesion")
        .annotate(changed_at=F("created_at"))
    ),
    build=lambda row, viewer: build_media(row, base=viewer.base),
    order="created_at",
    params={
        "_id": by_id(),
        "_lastUpdated": by_change(),
        "based-on": by_reference("submission", "ServiceRequest", words="The case it was sent with."),
        **_about_a_patient("submission__lesion"),
    },
    includes={**SUBJECT, "based-on": "basedOn"},
    listed="submissionimage",
)
