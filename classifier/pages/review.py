"""The reading page: the picture first, the decision beside it; sign, and go on to the next."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods

from classifier.cases.access import record_viewed
from classifier.cases.reading_claims import ClaimedError, claim_case, find_claim, release_claim, renew_claim
from classifier.cases.readings import record_unseen_reading
from classifier.cases.reviews import amend_review, sign_review
from classifier.cases.signing import check_seen, describe_decision, find_contradictions, find_own_signature
from classifier.cases.worklist import find_next
from classifier.domain.errors import ConflictError, InvalidInputError, ServiceError
from classifier.domain.states import SubmissionState
from classifier.domain.vocabulary import Diagnosis, Management
from classifier.labels.standing import format_withdrawal
from classifier.labels.text import name_site
from classifier.models import Submission, SubmissionImage
from classifier.pages.access import get_visible, page
from classifier.pages.explanation import find_panel
from classifier.pages.forms.review import DIAGNOSIS_KEYS, MANAGEMENT_KEYS, AmendForm, ReviewForm, UnseenForm
from classifier.pages.outline import find_outline_panel
from classifier.standing.hiding import find_unseen_reading, is_blinded, must_read_first
from classifier.standing.reviews import find_review_in_force
from classifier.standing.summary import CaseSummary, summarise, summary_prefetches
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action, Role
from portal.trust.accounts.second_factor.step_up import ask_again, list_kept
from portal.trust.accounts.sessions.limits import background

if TYPE_CHECKING:
    import uuid

    from django import forms

    from classifier.models import ReadingClaim, Review
    from portal.trust.accounts.requests import PortalRequest


EARLIER_IMAGES = 8
CONFLICT, BAD_REQUEST = 409, 400
SEEN = "reading_seen"
"""In the session: the case read last, and which of its pictures were on the screen, by their ids."""
OWN_FIELDS = {"step", "confirmed"}


@page()
@require_http_methods(["GET", "HEAD", "POST"])
def submission_review(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Read and sign a case. POST keeps the own reading where that comes first, otherwise signs."""
    submission = _load(request, pk)
    if request.method != "POST":
        return _show(request, submission)
    if _is_unseen(request, submission):
        return _take_reading(request, submission)
    if request.POST.get("step") == "edit":
        return _show(request, submission, ReviewForm(request.POST))
    return ask_again(request, is_signing=True) or _sign(request, submission)


@page()
@require_http_methods(["GET", "HEAD", "POST"])
def submission_amend(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Amend the current review: a new signed version that says why."""
    submission = _load(request, pk)
    current = find_review_in_force(submission.reviews.all())
    if current is None:
        return redirect("submission-review", pk=pk)
    reviews = submission.reviews.all()
    if request.method != "POST":
        initial = {
            **{name: getattr(current, name) for name in ("diagnosis", "management", "comment")},
            "amends": current.pk,
        }
        return _show_amend(request, submission, AmendForm(initial=initial, reviews=reviews))
    if request.POST.get("step") == "edit":
        return _show_amend(request, submission, AmendForm(request.POST, reviews=reviews))
    return ask_again(request, is_signing=True) or _amend(request, submission)


# --- Signing ------------------------------------------------------------------------------------
def _take_reading(request: PortalRequest, submission: Submission) -> HttpResponse:
    form = UnseenForm(request.POST)
    if not form.is_valid():
        return _show(request, submission, form, status=BAD_REQUEST)
    try:
        record_unseen_reading(
            actor=request.user,
            submission=submission,
            diagnosis=form.cleaned_data["diagnosis"],
        )
    except ConflictError as error:
        messages.warning(request, error.message)
    _keep_seen(request, submission)
    return redirect("submission-review", pk=submission.pk)


def _sign(request: PortalRequest, submission: Submission) -> HttpResponse:
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _show(request, submission, form, status=BAD_REQUEST)
    # Asked before signing: once signed, this case is no longer in the worklist to count from.
    following, _ = find_next(request.user, submission)
    try:
        if asked := _ask_once_more(request, submission, form):
            return asked
        review = sign_review(
            actor=request.user,
            submission=submission,
            decision=form.decision,
            seen=_find_seen(request, submission),
        )
    except InvalidInputError as error:
        _add_error(form, error)
        return _show(request, submission, form, status=BAD_REQUEST)
    except ConflictError as error:
        fresh = _load(request, submission.pk)
        if error.code == "already_reviewed":
            return _show_overtaken(request, fresh, "signed")
        _add_error(form, error)
        return _show(request, fresh, form, status=CONFLICT)
    _keep_seen(request, submission)
    return _go_on(request, review, following)


def _amend(request: PortalRequest, submission: Submission) -> HttpResponse:
    form = AmendForm(request.POST, reviews=submission.reviews.all())
    if not form.is_valid():
        return _show_amend(request, submission, form, status=BAD_REQUEST)
    try:
        if asked := _ask_once_more(request, submission, form):
            return asked
        review = amend_review(
            actor=request.user,
            review=form.cleaned_data["amends"],
            decision=form.decision,
            reason=form.cleaned_data["amendment_reason"],
            seen=_find_seen(request, submission),
        )
    except InvalidInputError as error:
        _add_error(form, error)
        return _show_amend(request, submission, form, status=BAD_REQUEST)
    except ConflictError:
        return _show_overtaken(request, _load(request, submission.pk), "amended")
    _keep_seen(request, submission)
    return redirect(f"{reverse('submission-review', args=[submission.pk])}?signed={review.pk}")


def _ask_once_more(request: PortalRequest, submission: Submission, form: ReviewForm) -> HttpResponse | None:
    """The page that names what speaks against the decision, or None where it may be signed.

    Raises InvalidInputError (pictures_unseen): what can't be signed is not asked about.
    """
    decision = form.decision
    check_seen(submission, _find_seen(request, submission), reason=decision.unseen_reason)
    against = find_contradictions(submission, diagnosis=decision.diagnosis, management=decision.management)
    if not against or request.POST.get("confirmed") == "yes":
        return None
    context = {
        "submission": submission,
        "heading": name_site(submission.lesion),
        "decision": describe_decision(
            Diagnosis(decision.diagnosis).label, Management(decision.management).label
        ),
        "against": against,
        "kept": [(name, value) for name, value in list_kept(request) if name not in OWN_FIELDS],
    }
    return render(request, "classifier/review/confirm.html", context)


def _go_on(request: PortalRequest, review: Review, following: Submission | None) -> HttpResponse:
    """What was signed is told there by its id: no word of it stands in an address or a session."""
    there = reverse("worklist")
    if request.POST.get("then") != "next":
        there = reverse("submission-review", args=[review.submission_id])
    elif following is not None:
        there = reverse("submission-review", args=[following.pk])
    return redirect(f"{there}?signed={review.pk}")


def _find_seen(request: PortalRequest, submission: Submission) -> set[str]:
    """Ids of the pictures that were on the screen, as the page says, or as it said a moment ago."""
    if request.POST.get("seen_all") == "yes":
        return {str(image.pk) for image in submission.images.all()}
    kept = request.session.get(SEEN, {})
    before = kept.get("pictures", []) if kept.get("case") == str(submission.pk) else []
    return {*request.POST.getlist("seen"), *before}


def _keep_seen(request: PortalRequest, submission: Submission) -> None:
    own = {str(image.pk) for image in submission.images.all()}
    seen = sorted(_find_seen(request, submission) & own)
    request.session[SEEN] = {"case": str(submission.pk), "pictures": seen}


# --- The page -----------------------------------------------------------------------------------
def _load(request: PortalRequest, pk: uuid.UUID) -> Submission:
    rows = Submission.objects.select_related("clinic", "lesion__patient", "submitted_by")
    submission = get_visible(rows.prefetch_related(*summary_prefetches()), request, pk)
    require(request.user, submission.clinic_id, Action.REVIEW)
    return submission


def _is_unseen(request: PortalRequest, submission: Submission) -> bool:
    """Whether this reader must first say what they see without the model's answer."""
    return summarise(submission, role=Role.DERMATOLOGIST).is_hidden and must_read_first(
        reader=request.user, submission=submission, role=Role.DERMATOLOGIST
    )


def _show(
    request: PortalRequest, submission: Submission, form: forms.Form | None = None, *, status: int = 200
) -> HttpResponse:
    user = request.user
    unseen = _is_unseen(request, submission)
    summary = summarise(submission, role=Role.DERMATOLOGIST) if unseen else summarise(submission)
    mode = _choose_mode(submission, summary, unseen=unseen)
    claim = _claim(request, submission) if mode in ("sign", "unseen") else None
    if claim and _is_turned_away(request, claim):
        return _show_claimed(request, submission, claim, back="submission-review")
    with transaction.atomic():
        read_before = ""
        if is_blinded(submission.clinic, Role.DERMATOLOGIST) and not unseen:
            read_before = find_unseen_reading(reader=user, submission=submission)
        context = _describe(request, submission, summary)
        record_viewed(actor=user, obj=submission, clinic_id=submission.clinic_id)
        following, waiting = find_next(user, submission)
    if form is None and unseen:
        form = UnseenForm()
    elif form is None:
        form = ReviewForm(initial={"diagnosis": read_before})
    context |= {
        "form": form,
        "mode": mode,
        "claim": claim,
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


def _claim(request: PortalRequest, submission: Submission) -> ReadingClaim | None:
    """Who reads the case from here on: this person, unless somebody else does already.

    Another picture of the open page is no new opening: the claim stays the one that the page names and
    releases when it is left.
    """
    user = request.user
    if request.htmx:
        renew_claim(actor=user, submission=submission)
    if request.htmx or request.method == "HEAD":
        return find_claim(submission)
    try:
        return claim_case(actor=user, submission=submission)
    except ClaimedError as error:
        return error.claim


def _is_turned_away(request: PortalRequest, claim: ReadingClaim) -> bool:
    """Whether somebody else's claim is told first; who has the page open already goes on looking."""
    is_opening = request.method == "GET" and not request.htmx
    return is_opening and claim.reader_id != request.user.pk


def _show_claimed(
    request: PortalRequest, submission: Submission, claim: ReadingClaim, *, back: str
) -> HttpResponse:
    """Who is reading the case, and what one can do: nothing of the patient stands on this page."""
    following, _ = find_next(request.user, submission)
    context = {"submission": submission, "claim": claim, "following": following, "back": back}
    return render(request, "classifier/review/claimed.html", context)


def _show_amend(
    request: PortalRequest,
    submission: Submission,
    form: AmendForm,
    *,
    status: int = 200,
    notice: str = "",
) -> HttpResponse:
    user = request.user
    claim = _claim(request, submission)
    if claim and _is_turned_away(request, claim):
        return _show_claimed(request, submission, claim, back="submission-amend")
    with transaction.atomic():
        context = _describe(request, submission, summarise(submission))
        record_viewed(actor=user, obj=submission, clinic_id=submission.clinic_id)
    context |= {"form": form, "mode": "amend", "notice": notice, "claim": claim}
    return render(request, "classifier/review/page.html", context, status=status)


def _show_overtaken(request: PortalRequest, submission: Submission, verb: str) -> HttpResponse:
    """Somebody was faster: say who, keep what was typed, and offer it as an amendment."""
    current = find_review_in_force(submission.reviews.all())
    if current is None:
        return redirect("submission-review", pk=submission.pk)
    typed = request.POST.copy()
    typed["amends"] = str(current.pk)
    typed.setdefault("amendment_reason", "")
    form = AmendForm(initial=typed.dict(), reviews=submission.reviews.all())
    when = timezone.localtime(current.signed_at).strftime("%H:%M")
    notice = (
        f"{current.signed_by.get_full_name()} {verb} this case at {when}, while you were reading. "
        "Nothing of yours was saved; it stands in the form. Read what was signed below. "
        "If you disagree, sign an amendment."
    )
    return _show_amend(request, submission, form, status=CONFLICT, notice=notice)


def _describe(request: PortalRequest, submission: Submission, summary: CaseSummary) -> dict[str, Any]:
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
    seen = _find_seen(request, submission)
    return {
        "submission": submission,
        "withdrawal": format_withdrawal(submission),
        "patient": patient,
        "summary": summary,
        "images": images,
        "pictures": [(image, str(image.pk) in seen) for image in images],
        "shown": shown,
        "panel": find_panel(answer, page="review", is_shown=request.GET.get("map") == "on"),
        "outline": find_outline_panel(shown, page="review", is_shown=request.GET.get("outline") == "on"),
        "earlier": earlier,
        "compared": _pick(earlier, request.GET.get("compare")),
        "versions": list(reversed(submission.reviews.all())),
        "current": find_review_in_force(submission.reviews.all()),
        "heading": name_site(submission.lesion),
        "keys": list_keys(),
        "just_signed": find_own_signature(request.user, request.GET.get("signed")),
    }


def _pick(images: list[SubmissionImage], wanted: str | None) -> SubmissionImage | None:
    return next((image for image in images if str(image.pk) == wanted), None)


def _add_error(form: forms.Form, error: ServiceError) -> None:
    form.add_error(error.field if error.field in form.fields else None, error.message)


def list_keys() -> list[tuple[str, str]]:
    """Every key of the reading page with its words, for the sheet."""
    return [
        *((DIAGNOSIS_KEYS[value], words) for value, words in Diagnosis.choices),
        *((MANAGEMENT_KEYS[Management(value)], words) for value, words in Management.choices),
    ]


# --- Reading claim ------------------------------------------------------------------------------
# Renewed by the page of the case, released, taken over.


PLACES = {"submission-review", "submission-amend"}


@background
@page()
@require_http_methods(["GET", "HEAD", "POST"])
def submission_claim(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """GET: the open page asks how its claim stands, which renews it. POST: `step` release or takeover."""
    rows = Submission.objects.select_related("clinic", "cancelled_by").prefetch_related("reviews__signed_by")
    submission: Submission = get_visible(rows, request, pk)
    require(request.user, submission.clinic_id, Action.REVIEW)
    if request.method != "POST":
        return _render_state(request, submission)
    user = request.user
    if request.POST.get("step") == "takeover":
        if submission.cancelled_at is None:
            claim_case(actor=user, submission=submission, takeover=True)
        back = request.POST.get("back", "")
        return redirect(back if back in PLACES else "submission-review", pk=pk)
    release_claim(actor=user, submission=submission, claimed_at=_read_moment(request))
    if request.POST.get("quiet") == "yes":
        # The page that sent it is gone.
        return HttpResponse(status=204)
    messages.success(request, "Released. Others can read the case now.")
    return redirect("worklist")


def _render_state(request: PortalRequest, submission: Submission) -> HttpResponse:
    """How things stand, for a page that shows the review `?review=` or none.

    Of a case that was signed or withdrawn meanwhile nothing is left to read: that is said once, and
    nobody claims it again. One that goes back to the model is claimed on: it comes back.
    """
    user = request.user
    newer = _find_newer(submission, request.GET.get("review", ""))
    context: dict[str, Any] = {"submission": submission, "newer": newer}
    context["is_withdrawn"] = submission.state == SubmissionState.CANCELLED
    context["is_in_work"] = submission.state == SubmissionState.IN_WORK
    if newer is None and not context["is_withdrawn"]:
        context |= {"claim": _renew(user, submission), "review": request.GET.get("review", "")}
    return render(request, "classifier/review/claim.html", context)


def _renew(user: Any, submission: Submission) -> ReadingClaim | None:
    if renew_claim(actor=user, submission=submission):
        return find_claim(submission)
    try:
        return claim_case(actor=user, submission=submission)
    except ClaimedError as error:
        return error.claim


def _find_newer(submission: Submission, known: str) -> Review | None:
    """What was signed since the page was drawn."""
    current = find_review_in_force(submission.reviews.all())
    return current if current and str(current.pk) != known else None


def _read_moment(request: PortalRequest) -> dt.datetime | None:
    given = request.POST.get("claimed_at")
    if given is None:
        return None
    try:
        moment = parse_datetime(given)
    except ValueError:
        moment = None
    # What can't be read is no claim's moment.
    return moment if moment and timezone.is_aware(moment) else dt.datetime.min.replace(tzinfo=dt.UTC)
