"""The home page: needs you, in work, recent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from classifier.cases.access import record_listed
from classifier.cases.inbox import Inbox, build_inbox
from classifier.domain.vocabulary import DisabledReason
from classifier.labels.answers import describe_reason
from classifier.labels.standing import format_model_below, label_case
from classifier.models import EmergencyAccess, WebhookEndpoint
from classifier.pages.access import page, rights_in
from classifier.preconditions import make_tag
from classifier.standing.hiding import hides_standing_of
from portal.trust.accounts.roles import ROLES_ALLOWED, Action, Role
from portal.trust.accounts.sessions.limits import background

if TYPE_CHECKING:
    from classifier.cases.rows import CaseRow
    from portal.trust.accounts.requests import PortalRequest


@require_safe
@page()
@transaction.atomic
def home(request: PortalRequest) -> HttpResponse:
    """What needs this person in their current clinic."""
    inbox = _load(request)
    _record(request, inbox)
    notices = {"webhooks_off": _find_off(request), "emergencies_unseen": _count_unseen(request)}
    context = _describe(inbox) | notices
    return render(request, "classifier/home.html", context)


@background
@require_safe
@page()
@transaction.atomic
def home_columns(request: PortalRequest) -> HttpResponse:
    """The columns anew, or nothing (204) while they are what the page `seen` already shows."""
    inbox = _load(request)
    if request.GET.get("seen") == digest_inbox(inbox):
        return HttpResponse(status=204)
    _record(request, inbox)
    return render(request, "classifier/partials/home_columns.html", _describe(inbox))


def digest_inbox(inbox: Inbox) -> str:
    """Short digest of what the columns show; it goes into an address, and no word can be read from it."""
    rows = [_list_shown(row) for column in (inbox.needs, inbox.in_work, inbox.recent) for row in column]
    return make_tag("inbox", rows, inbox.needs_count, inbox.counts, inbox.in_work_count).strip('"')[:16]


def _list_shown(row: CaseRow) -> tuple[object, ...]:
    """What a row says of its case, as its template says it: on anybody's word, as far as the viewer may know."""
    case, summary = row.submission, row.summary
    standing = label_case(case, is_hidden=hides_standing_of(case, summary))
    below = "" if summary.is_hidden else format_model_below(case, is_far=summary.is_far)
    return (case.pk, summary.image and summary.image.pk, standing, below, describe_reason(summary), row.note)


def _load(request: PortalRequest) -> Inbox:
    clinic = request.clinic
    role = rights_in(request, clinic.pk).role
    return build_inbox(user=request.user, clinic=clinic, role=role)


def _find_off(request: PortalRequest) -> list[WebhookEndpoint]:
    """Webhooks of this clinic that failed for days, for its administrators."""
    if request.membership.role not in ROLES_ALLOWED[Action.ADMINISTER]:
        return []
    clinic = request.clinic
    off = WebhookEndpoint.objects.kept().filter(clinic=clinic, disabled_reason=DisabledReason.FAILING)
    return list(off.order_by("disabled_at"))


def _describe(inbox: Inbox) -> dict[str, object]:
    return {"inbox": inbox, "seen": digest_inbox(inbox)}


def _count_unseen(request: PortalRequest) -> int:
    """Emergency accesses to the clinic's patients that none of its administrators confirmed."""
    if request.membership.role != Role.ADMINISTRATOR:
        return 0
    return EmergencyAccess.objects.unacknowledged(request.clinic).count()


def _record(request: PortalRequest, inbox: Inbox) -> None:
    record_listed(
        actor=request.user,
        clinic_id=request.clinic.pk,
        what="submission",
        details={
            "page": "home",
            "rows": len(inbox.needs) + len(inbox.in_work) + len(inbox.recent),
        },
    )
