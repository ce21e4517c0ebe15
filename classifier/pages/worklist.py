"""What waits for a dermatologist, in the order in which it is best read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.db import transaction
from django.shortcuts import render
from django.views.decorators.http import require_safe

from classifier.cases.access import record_listed
from classifier.cases.reading_claims import find_claims
from classifier.cases.rows import build_rows, load_cases
from classifier.cases.signing import find_own_signature, list_own_signatures
from classifier.cases.worklist import describe_order, free_for, is_overdue, list_waiting
from classifier.pages.access import page
from classifier.standing.hiding import is_blinded
from portal.trust.accounts.roles import ROLES_ALLOWED, Action, Role

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.trust.accounts.requests import PortalRequest

PAGE_SIZE = 25


@page(Action.REVIEW)
@require_safe
def worklist(request: PortalRequest) -> HttpResponse:
    """Cases of every clinic in which this person reviews, as one list; and what they signed last."""
    user = request.user
    served = [m for m in request.memberships if m.role in ROLES_ALLOWED[Action.REVIEW]]
    roles = {membership.clinic_id: membership.role for membership in served}
    with transaction.atomic():
        waiting = list_waiting(user)
        page_obj = Paginator(load_cases(waiting), PAGE_SIZE).get_page(request.GET.get("page"))
        # Who reviews in a clinic is a dermatologist there.
        cases = build_rows(page_obj, role=Role.DERMATOLOGIST)
        claims = find_claims(row.submission.pk for row in cases)
        for submission in (row.submission for row in cases):
            claim = claims.get(submission.pk)
            submission.read_by = claim if claim and claim.reader_id != user.pk else None  # type: ignore[attr-defined]  # the row's template reads it
            submission.is_overdue = is_overdue(submission)  # type: ignore[attr-defined]  # as above
        signatures = list_own_signatures(user)
        shown = Counter(row.submission.clinic_id for row in cases)
        signed = Counter(review.submission.clinic_id for review in signatures)
        for clinic_id in sorted({*roles, *signed}, key=str):
            details = {"page": page_obj.number, "count": shown[clinic_id], "signed": signed[clinic_id]}
            record_listed(actor=user, clinic_id=clinic_id, what="worklist", details=details)
    context = {
        "cases": cases,
        "page_obj": page_obj,
        "first": free_for(waiting, user).first() if cases else None,
        "order": describe_order(membership.clinic for membership in served),
        "served": [membership.clinic for membership in served],
        "hides": any(is_blinded(membership.clinic, membership.role) for membership in served),
        "signatures": signatures,
        "just_signed": find_own_signature(user, request.GET.get("signed")),
    }
    return render(request, "classifier/worklist/list.html", context)
