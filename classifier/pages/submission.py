"""The page of one case, its fragment while the model works, and what is done there: withdraw, retry, its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from classifier.cases.access import record_viewed
from classifier.cases.duplicates import find_duplicates
from classifier.cases.follow_up import is_followed, is_order_overdue, take_over
from classifier.cases.histopathology import list_outcomes
from classifier.cases.reading_claims import find_other_reader
from classifier.cases.rows import load_cases
from classifier.cases.timeline import build_timeline, find_openings
from classifier.cases.withdrawal import NEEDS_READER, cancel_submission, retry_submission, weigh_withdrawal
from classifier.domain.errors import InvalidInputError, ServiceError
from classifier.domain.states import PredictionState, SubmissionState
from classifier.engine.queue import position_in_queue
from classifier.labels.answers import (
    CANNOT_JUDGE,
    choose_words,
    count_images,
    describe_progress,
    find_cautions,
    find_doubts,
)
from classifier.labels.standing import format_case, is_decided, label_case, lower_first
from classifier.labels.text import describe_day, name_site
from classifier.models import Acknowledgement, Submission
from classifier.orders import acknowledge_order, take_back_acknowledgement
from classifier.pages.access import Rights, get_visible, page, require_right, rights_in
from classifier.pages.explanation import find_panel
from classifier.pages.forms.order import AcknowledgeForm, WithdrawForm
from classifier.pages.outline import find_outline_panel
from classifier.standing.hiding import hides_standing
from classifier.standing.reviews import find_review_in_force
from classifier.standing.standing import find_order
from classifier.standing.summary import CaseSummary, summarise
from portal.trust.accounts.sessions.limits import background

if TYPE_CHECKING:
    import datetime as dt
    import uuid

    from django.http import HttpResponse

    from classifier.models import Review
    from portal.trust.accounts.requests import PortalRequest


# --- Withdraw and try again ---------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def submission_cancel(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Say what the result is and ask (GET); withdraw (POST)."""
    submission = _find(request, pk)
    rights = rights_in(request, submission.clinic_id)
    require_right(rights.cancel, "Your role can't withdraw cases.")
    rule = weigh_withdrawal(submission, role=rights.role)
    form = WithdrawForm(request.POST if request.method == "POST" else None, needs_reason=rule.needs_reason)
    trouble = ""
    if request.method == "POST" and form.is_valid():
        try:
            cancel_submission(
                actor=request.user,
                submission=submission,
                reason=form.cleaned_data["withdrawal_reason"],
            )
        except InvalidInputError as error:
            # A result came while the page was open: it is shown now, and asked about.
            submission = _find(request, pk)
            rule = weigh_withdrawal(submission, role=rights.role)
            form.add_error(error.field if error.field in form.fields else None, error.message)
        except ServiceError as error:
            submission = _find(request, pk)
            rule = weigh_withdrawal(submission, role=rights.role)
            trouble = error.message
        else:
            messages.success(request, "The case is withdrawn.")
            return redirect("submission-detail", pk)
    with transaction.atomic():
        record_viewed(actor=request.user, obj=submission, clinic_id=submission.clinic_id)
    context = {
        "submission": submission,
        "standing": label_case(submission, is_hidden=hides_standing(submission, rights.role)),
        "is_over": submission.state in (SubmissionState.REVIEWED, SubmissionState.CANCELLED),
        "trouble": trouble or _format_if_over(submission),
        "rule": rule,
        "needs_reader": NEEDS_READER,
        "result": _format_result_to_withdraw(submission),
        "form": form,
    }
    status = 409 if trouble else 400 if form.errors else 200
    return render(request, "classifier/submission_cancel.html", context, status=status)


def _format_if_over(submission: Submission) -> str:
    if submission.state == SubmissionState.CANCELLED:
        return "This case was already withdrawn."
    return "This case is signed, so it can't be withdrawn."


def _format_result_to_withdraw(submission: Submission) -> str:
    """What would be withdrawn with the case."""
    if submission.state == SubmissionState.IN_WORK:
        return "some of the images are judged already"
    label = label_case(submission)
    by = f", by the {label.said_by}" if label.said_by else ""
    return f"{lower_first(label.word)}{by}"


@require_POST
@page()
def submission_retry(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Queue the images without a result once more."""
    submission = _find(request, pk)
    require_right(rights_in(request, submission.clinic_id).submit, "Your role can't submit cases.")
    try:
        count = retry_submission(actor=request.user, submission=submission)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{count_images(count)} sent to the model again.")
    return redirect("submission-detail", pk)


def _find(request: PortalRequest, pk: uuid.UUID) -> Submission:
    cases = Submission.objects.select_related("clinic", "lesion__patient")
    submission: Submission = get_visible(cases, request, pk)
    return submission


# --- Order of a case ----------------------------------------------------------------------------


@dataclass(frozen=True)
class OrderPanel:
    """The order in force with its acknowledgement; `is_unfollowed` where nobody sees to the case."""

    ordered: Review | None
    done: Acknowledgement | None
    due_at: dt.datetime | None
    is_overdue: bool
    is_unfollowed: bool

    @property
    def done_day(self) -> dt.date | None:
        """When it was done; where nobody said so, when it was written down."""
        if self.done is None:
            return None
        return self.done.done_on or timezone.localdate(self.done.acknowledged_at)


def find_order_panel(submission: Submission) -> OrderPanel:
    """Three queries, whatever the case."""
    reviews = list(
        submission.reviews.select_related("signed_by")
        .prefetch_related("acknowledgements__acknowledged_by")
        .order_by("signed_at")
    )
    order = find_order(reviews) if submission.state == SubmissionState.REVIEWED else None
    is_over = submission.state == SubmissionState.CANCELLED
    return OrderPanel(
        ordered=order.ordered if order else None,
        done=order.acknowledgement if order else None,
        due_at=submission.order_due_at,
        is_overdue=is_order_overdue(submission, timezone.now()),
        is_unfollowed=not is_over and not is_followed(submission),
    )


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
        "standing": format_case(submission, summary),
        "is_decided": is_decided(submission),
        "model_words": choose_words(summary),
        "review": find_review_in_force(submission.reviews.all()),
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
    duplicates = find_duplicates(submission, summary)
    return {
        # In an emergency one patient is open, and no other's case is named.
        "duplicates": [one for one in duplicates if one.is_same_patient or not rights.reads_only],
        "outcomes": list_outcomes(submission.lesion),
        "order": find_order_panel(submission),
        "order_form": AcknowledgeForm(initial={"done_on": timezone.localdate()}),
        "timeline": build_timeline(submission, summary),
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
        "outline": find_outline_panel(
            shown.image if shown else None, page="case", is_shown=request.GET.get("outline") == "on"
        ),
        "poll": f"{reverse('submission-status', args=[submission.pk])}?{query}",
    }


def _count_ahead(summary: CaseSummary) -> int | None:
    """Images of other cases that go first; the first queued image of the case counts."""
    queued = [a.prediction for a in summary.answers if a.prediction and a.state == PredictionState.QUEUED]
    if not queued:
        return None
    return position_in_queue(min(queued, key=lambda p: (p.queue_rank, p.queued_at, p.pk)))


# --- Acknowledge, take back, take over ----------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def submission_order(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """What was ordered for the case, and the form that says what was done."""
    submission = _find(request, pk)
    require_right(rights_in(request, submission.clinic_id).submit, "Your role can't follow up cases.")
    form = AcknowledgeForm(
        request.POST if request.method == "POST" else None, initial={"done_on": timezone.localdate()}
    )
    if request.method == "POST" and form.is_valid():
        try:
            acknowledge_order(actor=request.user, submission=submission, **form.cleaned_data)
        except ServiceError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "Written down. The order is done.")
            return _back(pk)
    return _show(request, submission, form)


@require_POST
@page()
def acknowledgement_take_back(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """It was a slip: the order is open again."""
    rows = Acknowledgement.objects.select_related("review__submission__clinic")
    acknowledgement = get_visible(rows, request, pk)
    submission = acknowledgement.review.submission
    require_right(rights_in(request, submission.clinic_id).submit, "Your role can't follow up cases.")
    try:
        take_back_acknowledgement(actor=request.user, acknowledgement=acknowledgement)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Taken back. The order is open again.")
    return _back(submission.pk)


@require_POST
@page()
def submission_take_over(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """From now on this person follows the case up."""
    submission = _find(request, pk)
    require_right(rights_in(request, submission.clinic_id).follow, "Your role can't follow up cases.")
    try:
        take_over(actor=request.user, submission=submission)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "You follow this case up now.")
    return _back(pk)


def _show(request: PortalRequest, submission: Submission, form: AcknowledgeForm) -> HttpResponse:
    with transaction.atomic():
        record_viewed(
            actor=request.user,
            obj=submission,
            clinic_id=submission.clinic_id,
            # Histopathology may have come in while the form was open.
            shows_standing=False,
        )
    context = {
        "submission": submission,
        "rights": rights_in(request, submission.clinic_id),
        "order": find_order_panel(submission),
        "order_form": form,
    }
    return render(request, "classifier/submission_order.html", context, status=400 if form.errors else 200)


def _back(pk: uuid.UUID) -> HttpResponse:
    return redirect(f"{reverse('submission-detail', args=[pk])}#order")
