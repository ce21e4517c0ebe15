"""The page of one case, and the fragment that keeps it up to date while the model works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db import transaction
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from classifier.answers import CANNOT_JUDGE, choose_words, describe_progress, find_cautions, find_doubts
from classifier.case_rows import find_current_review, load_cases
from classifier.case_summary import CaseSummary, summarise
from classifier.cases.claims import find_other_reader
from classifier.duplicates import find_doubles
from classifier.explanation_panel import find_panel
from classifier.forms.order import AcknowledgeForm
from classifier.labels.standing import is_decided, say_case
from classifier.models import Submission
from classifier.order_panel import find_order_panel
from classifier.outcome_rows import list_outcomes
from classifier.services.access import record_viewed
from classifier.services.queue import position_in_queue
from classifier.states import PredictionState, SubmissionState
from classifier.trail import build_trail, find_openings
from classifier.views.access import get_visible, page
from classifier.views.rights import Rights, rights_in
from classifier.wording import describe_day, name_site
from portal.accounts.session_limits import background

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest


@require_safe
@page()
@transaction.atomic
def submission_detail(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """One case: the picture, the answer, what was asked, and what happened."""
    submission, summary, rights = _load(request, pk)
    record_viewed(actor=request.user, obj=submission, clinic_id=submission.clinic_id)
    context = describe_case(submission, summary, rights) | describe_history(submission, summary, rights)
    context |= _describe_picture(request, submission, summary)
    context["read_by"] = find_other_reader(submission, request.user)
    context["breadcrumb"] = [
        (
            f"Patient {submission.lesion.patient.mrn}",
            reverse("patient-detail", args=[submission.lesion.patient_id]),
        ),
        (name_site(submission.lesion), reverse("lesion-detail", args=[submission.lesion_id])),
        (describe_day(submission.submitted_at), ""),
    ]
    return render(request, "classifier/submission_detail.html", context)


@background
@require_safe
@page()
@transaction.atomic
def submission_status(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """The standing; with the rest of what changes once the case is finished.

    `image` of the address is the picture that the person chose, `shown` the one on their screen.
    """
    submission, summary, rights = _load(request, pk)
    context = describe_case(submission, summary, rights) | _describe_picture(request, submission, summary)
    if not summary.is_in_work:
        # Progress says nothing of the patient; the answer does.
        record_viewed(actor=request.user, obj=submission, clinic_id=submission.clinic_id)
        context |= describe_history(submission, summary, rights)
        shown = context["shown"]
        context["is_other_picture"] = shown and str(shown.image.pk) != request.GET.get("shown")
    return render(request, "classifier/partials/case_status.html", context)


def describe_case(submission: Submission, summary: CaseSummary, rights: Rights) -> dict[str, Any]:
    """Context of the answer panel and the actions."""
    failed = any(a.state == PredictionState.FAILED for a in summary.answers)
    is_open = submission.cancelled_at is None and not summary.is_reviewed
    awaits_review = submission.state in (SubmissionState.AWAITING_REVIEW, SubmissionState.NO_RESULT)
    doubts = find_doubts(summary)
    return {
        "submission": submission,
        "lesion": submission.lesion,
        "patient": submission.lesion.patient,
        "summary": summary,
        "standing": say_case(submission, summary),
        "is_decided": is_decided(submission),
        "model_words": choose_words(summary),
        "review": find_current_review(submission),
        "cautions": [*find_cautions(summary), *doubts],
        "cannot_judge": CANNOT_JUDGE,
        "progress": describe_progress(summary, _count_ahead(summary)) if summary.is_in_work else "",
        "rights": rights,
        "may_retry": rights.submit and is_open and failed and not summary.is_in_work,
        "may_replace": rights.submit and is_open and bool(summary.refused or doubts),
        "may_cancel": rights.cancel and is_open,
        "may_review": rights.review and (awaits_review or summary.is_reviewed),
        "state": SubmissionState.AWAITING_REVIEW if awaits_review else "",
    }


def describe_history(submission: Submission, summary: CaseSummary, rights: Rights) -> dict[str, Any]:
    """Context of what stands below the answer."""
    doubles = find_doubles(submission, summary)
    return {
        # In an emergency one patient is open, and no other's case is named.
        "doubles": [one for one in doubles if one.is_same_patient or not rights.reads_only],
        "outcomes": list_outcomes(submission.lesion),
        "order": find_order_panel(submission),
        "order_form": AcknowledgeForm(initial={"done_on": timezone.localdate()}),
        "trail": build_trail(submission, summary),
        "openings": find_openings(submission),
    }


def _load(request: PortalRequest, pk: uuid.UUID) -> tuple[Submission, CaseSummary, Rights]:
    cases = load_cases(Submission.objects.all()).select_related(
        "clinic", "lesion__patient", "submitted_by", "cancelled_by", "responsible"
    )
    submission: Submission = get_visible(cases, request, pk)
    rights = rights_in(request, submission.clinic_id)
    return submission, summarise(submission, role=rights.role), rights


def _describe_picture(request: PortalRequest, submission: Submission, summary: CaseSummary) -> dict[str, Any]:
    """The image shown large: the one that the person chose, else the one that the answer is about."""
    wanted = request.GET.get("image", "")
    chosen = next((a for a in summary.answers if str(a.image.pk) == wanted), None)
    shown = chosen or summary.shown
    kept = {"image": chosen.image.pk if chosen else None, "shown": shown.image.pk if shown else None}
    query = urlencode({name: value for name, value in kept.items() if value})
    total = len(summary.answers)
    place = f"image {shown.image.position} of {total}" if shown else ""
    return {
        "shown": shown,
        "shown_alt": f"{name_site(submission.lesion)}, {place}",
        "panel": find_panel(shown, page="case", is_shown=request.GET.get("map") == "on"),
        "poll": f"{reverse('submission-status', args=[submission.pk])}?{query}",
    }


def _count_ahead(summary: CaseSummary) -> int | None:
    """Images of other cases that go first; the first queued image of the case counts."""
    queued = [a.prediction for a in summary.answers if a.prediction and a.state == PredictionState.QUEUED]
    if not queued:
        return None
    return position_in_queue(min(queued, key=lambda p: (p.queue_rank, p.queued_at, p.pk)))
