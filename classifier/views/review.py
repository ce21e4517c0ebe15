"""The reading page: the picture first, the decision beside it; sign, and go on to the next."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from classifier.case_summary import CaseSummary, summarise, summary_prefetches
from classifier.explanation_panel import find_panel
from classifier.forms.review import (
    DIAGNOSIS_KEYS,
    MANAGEMENT_KEYS,
    AmendForm,
    ReviewForm,
    UnseenForm,
)
from classifier.models import Review, Submission, SubmissionImage
from classifier.reading import find_unseen_reading
from classifier.services.access import record_viewed
from classifier.services.errors import ConflictError, InvalidInputError, ServiceError
from classifier.services.readings import record_unseen_reading
from classifier.services.reviews import amend_review, sign_review
from classifier.views.access import get_visible, page
from classifier.views.worklist import find_next
from classifier.vocabulary import Diagnosis, Management
from classifier.wording import name_site
from portal.accounts.permissions import require
from portal.accounts.roles import Action
from portal.accounts.step_up import ask_again

if TYPE_CHECKING:
    from django import forms
    from django.http import HttpRequest, HttpResponse

EARLIER_IMAGES = 8
CONFLICT, BAD_REQUEST = 409, 400


@page()
@require_http_methods(["GET", "HEAD", "POST"])
def submission_review(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Read and sign a case. POST with `step=read` keeps the own reading, otherwise signs."""
    submission = _load(request, pk)
    if request.method != "POST":
        return _show(request, submission)
    if _is_unseen(request, submission):
        return _take_reading(request, submission)
    return ask_again(request) or _sign(request, submission)


@page()
@require_http_methods(["GET", "HEAD", "POST"])
def submission_amend(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Amend the current review: a new signed version that says why."""
    submission = _load(request, pk)
    current = _find_current(submission)
    if current is None:
        return redirect("submission-review", pk=pk)
    if request.method == "POST":
        return ask_again(request) or _amend(request, submission)
    initial = {
        **{name: getattr(current, name) for name in ("diagnosis", "management", "comment")},
        "amends": current.pk,
    }
    headline = summarise(submission).headline
    form = AmendForm(initial=initial, headline=headline, reviews=submission.reviews.all())
    return _show_amend(request, submission, form)


def _amend(request: HttpRequest, submission: Submission) -> HttpResponse:
    headline = summarise(submission).headline
    form = AmendForm(request.POST, headline=headline, reviews=submission.reviews.all())
    if not form.is_valid():
        return _show_amend(request, submission, form, status=BAD_REQUEST)
    try:
        amend_review(
            actor=request.user,  # type: ignore[arg-type]
            review=form.cleaned_data["amends"],
            decision=form.decision,
            reason=form.cleaned_data["amendment_reason"],
        )
    except InvalidInputError as error:
        _add_error(form, error)
        return _show_amend(request, submission, form, status=BAD_REQUEST)
    except ConflictError:
        return _show_overtaken(request, _load(request, submission.pk), "amended")
    messages.success(request, "Amendment signed. The earlier version stays readable below.")
    return redirect("submission-review", pk=submission.pk)


def _load(request: HttpRequest, pk: uuid.UUID) -> Submission:
    rows = Submission.objects.select_related("clinic", "lesion__patient", "submitted_by")
    submission = get_visible(rows.prefetch_related(*summary_prefetches()), request, pk)
    require(request.user, submission.clinic_id, Action.REVIEW)  # type: ignore[arg-type]
    return submission


def _is_unseen(request: HttpRequest, submission: Submission) -> bool:
    """Whether this reader must first say what they see without the model's answer."""
    return (
        submission.clinic.hide_result_until_read
        and not submission.reviews.all()
        and any(answer.is_judged for answer in summarise(submission).answers)
        and not find_unseen_reading(reader=request.user, submission=submission)  # type: ignore[arg-type]
    )


def _take_reading(request: HttpRequest, submission: Submission) -> HttpResponse:
    form = UnseenForm(request.POST)
    if not form.is_valid():
        return _show(request, submission, form, status=BAD_REQUEST)
    try:
        record_unseen_reading(
            actor=request.user,  # type: ignore[arg-type]
            submission=submission,
            diagnosis=form.cleaned_data["diagnosis"],
        )
    except ConflictError as error:
        messages.warning(request, error.message)
    return redirect("submission-review", pk=submission.pk)


def _sign(request: HttpRequest, submission: Submission) -> HttpResponse:
    form = ReviewForm(request.POST, headline=summarise(submission).headline)
    if not form.is_valid():
        return _show(request, submission, form, status=BAD_REQUEST)
    # Asked before signing: once signed, this case is no longer in the worklist to count from.
    following, _ = find_next(request.user, submission)  # type: ignore[arg-type]
    try:
        sign_review(actor=request.user, submission=submission, decision=form.decision)  # type: ignore[arg-type]
    except InvalidInputError as error:
        _add_error(form, error)
        return _show(request, submission, form, status=BAD_REQUEST)
    except ConflictError as error:
        fresh = _load(request, submission.pk)
        if error.code == "already_reviewed":
            return _show_overtaken(request, fresh, "signed")
        _add_error(form, error)
        return _show(request, fresh, form, status=CONFLICT)
    return _go_on(request, submission, following)


def _go_on(request: HttpRequest, signed: Submission, following: Submission | None) -> HttpResponse:
    if request.POST.get("then") != "next":
        messages.success(request, "Signed.")
        return redirect("submission-review", pk=signed.pk)
    if following is None:
        messages.success(request, "Signed. That was the last case waiting.")
        return redirect("worklist")
    messages.success(request, "Signed. This is the next case.")
    return redirect("submission-review", pk=following.pk)


def _show(
    request: HttpRequest, submission: Submission, form: forms.Form | None = None, *, status: int = 200
) -> HttpResponse:
    user: Any = request.user
    with transaction.atomic():
        unseen = _is_unseen(request, submission)
        summary = summarise(submission, role="dermatologist") if unseen else summarise(submission)
        read_before = ""
        if submission.clinic.hide_result_until_read and not unseen:
            read_before = find_unseen_reading(reader=user, submission=submission)
        context = _describe(request, submission, summary)
        record_viewed(actor=user, obj=submission, clinic_id=submission.clinic_id)
        following, waiting = find_next(user, submission)
    if form is None and unseen:
        form = UnseenForm()
    elif form is None:
        form = ReviewForm(initial={"diagnosis": read_before}, headline=summary.headline)
    context |= {
        "form": form,
        "mode": _choose_mode(submission, summary, unseen=unseen),
        "read_before": dict(Diagnosis.choices).get(read_before, ""),
        "following": following,
        "waiting": waiting,
    }
    return render(request, "classifier/review/page.html", context, status=status)


def _choose_mode(submission: Submission, summary: CaseSummary, *, unseen: bool) -> str:
    if summary.is_reviewed:
        return "signed"
    if submission.cancelled_at is not None:
        return "cancelled"
    if summary.is_in_work:
        return "in_work"
    return "unseen" if unseen else "sign"


def _show_amend(
    request: HttpRequest,
    submission: Submission,
    form: AmendForm,
    *,
    status: int = 200,
    notice: str = "",
) -> HttpResponse:
    with transaction.atomic():
        context = _describe(request, submission, summarise(submission))
        record_viewed(
            actor=request.user,  # type: ignore[arg-type]
            obj=submission,
            clinic_id=submission.clinic_id,
        )
    context |= {"form": form, "mode": "amend", "notice": notice}
    return render(request, "classifier/review/page.html", context, status=status)


def _show_overtaken(request: HttpRequest, submission: Submission, verb: str) -> HttpResponse:
    """Somebody was faster: say who, keep what was typed, and offer it as an amendment."""
    current = _find_current(submission)
    if current is None:
        return redirect("submission-review", pk=submission.pk)
    typed = request.POST.copy()
    typed["amends"] = str(current.pk)
    typed.setdefault("amendment_reason", "")
    form = AmendForm(
        initial=typed.dict(), headline=summarise(submission).headline, reviews=submission.reviews.all()
    )
    when = timezone.localtime(current.signed_at).strftime("%H:%M")
    notice = (
        f"{current.signed_by.get_full_name()} {verb} this case at {when}, while you were reading. "
        "Nothing of yours was saved; it stands in the form. Read what was signed below. "
        "If you disagree, sign an amendment."
    )
    return _show_amend(request, submission, form, status=CONFLICT, notice=notice)


def _describe(request: HttpRequest, submission: Submission, summary: CaseSummary) -> dict[str, Any]:
    images = [answer.image for answer in summary.answers]
    # The picture that the answer speaks of, unless that would give a hidden answer away.
    shown = _pick(images, request.GET.get("image")) or summary.image
    earlier = list(
        SubmissionImage.objects.filter(
            submission__lesion_id=submission.lesion_id,
            submission__cancelled_at__isnull=True,
            submission__submitted_at__lt=submission.submitted_at,
        )
        .exclude(submission=submission)
        .select_related("submission")
        .order_by("-submission__submitted_at", "position")[:EARLIER_IMAGES]
    )
    patient = submission.lesion.patient
    answer = next((one for one in summary.answers if one.image == shown), None)
    return {
        "submission": submission,
        "patient": patient,
        "summary": summary,
        "images": images,
        "shown": shown,
        "panel": find_panel(answer, page="review", is_shown=request.GET.get("map") == "on"),
        "earlier": earlier,
        "compared": _pick(earlier, request.GET.get("compare")),
        "versions": list(reversed(submission.reviews.all())),
        "current": _find_current(submission),
        "heading": name_site(submission.lesion),
        "keys": list_keys(),
    }


def _pick(images: list[SubmissionImage], wanted: str | None) -> SubmissionImage | None:
    return next((image for image in images if str(image.pk) == wanted), None)


def _find_current(submission: Submission) -> Review | None:
    """The version that no amendment replaces."""
    reviews = list(submission.reviews.all())
    replaced = {review.amends_id for review in reviews}
    return next((review for review in reviews if review.pk not in replaced), None)


def _add_error(form: forms.Form, error: ServiceError) -> None:
    form.add_error(error.field if error.field in form.fields else None, error.message)


def list_keys() -> list[tuple[str, str]]:
    """Every key of the reading page with its words, for the sheet."""
    return [
        *((DIAGNOSIS_KEYS[value], words) for value, words in Diagnosis.choices),
        *((MANAGEMENT_KEYS[value], words) for value, words in Management.choices),
    ]
