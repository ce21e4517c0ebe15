"""End a person's access: first what is open of theirs, then who takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from classifier.case_rows import build_rows, load_cases
from classifier.forms.departure import DepartureForm
from classifier.open_work import find_open_work
from classifier.services.access import record_listed
from classifier.services.departures import HandedOver, end_access, hand_over_work, list_colleagues
from classifier.services.errors import InvalidInputError
from classifier.views.access import page
from portal.accounts.closing import may_close
from portal.accounts.errors import PeopleError
from portal.accounts.models import Membership, UserKind
from portal.accounts.roles import Action
from portal.accounts.step_up import ask_again

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from classifier.models.submission import SubmissionQuerySet
    from portal.accounts.requests import PortalRequest

SHOWN = 10


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def person_leave(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """What is open of a person; POST hands it over and, while they have access, ends that."""
    rows = Membership.objects.filter(user__kind=UserKind.PERSON).select_related("user", "clinic")
    membership = get_object_or_404(rows, pk=pk, clinic=request.clinic)
    work = find_open_work(person=membership.user, clinic_id=membership.clinic_id)
    form = DepartureForm(
        request.POST if request.method == "POST" else None,
        clinicians=list_colleagues(membership, Action.SUBMIT) if work.awaited.exists() else None,
        readers=list_colleagues(membership, Action.REVIEW) if work.readings.exists() else None,
        may_close=membership.is_active and membership.user.is_active and may_close(membership),
    )
    if request.method == "POST" and form.is_valid():
        if asked := ask_again(request):
            return asked
        try:
            handed = _leave(request, membership, form)
        except (PeopleError, InvalidInputError) as error:
            form.add_error(error.field or None, error.message)
        else:
            messages.success(request, _describe(membership, handed))
            return redirect("people")
    with transaction.atomic():
        awaited, readings = (_load(request, cases) for cases in (work.awaited, work.readings))
        record_listed(
            actor=request.user,
            clinic_id=membership.clinic_id,
            what="submission",
            details={"page": "open work", "rows": len(awaited["rows"]) + len(readings["rows"])},
        )
    context = {
        "row": membership,
        "form": form,
        "awaited": awaited,
        "readings": readings,
    }
    status = 400 if form.errors else 200
    return render(request, "classifier/settings/departure.html", context, status=status)


def _leave(request: PortalRequest, membership: Membership, form: DepartureForm) -> HandedOver:
    chosen: dict[str, Any] = {
        "actor": request.user,
        "membership": membership,
        "responsible": form.colleague("responsible"),
        "reader": form.colleague("reader"),
    }
    if not membership.is_active:
        return hand_over_work(**chosen)
    return end_access(**chosen, close_log_in=form.cleaned_data.get("close_log_in", False))


def _load(request: PortalRequest, cases: SubmissionQuerySet) -> dict[str, Any]:
    role = request.membership.role
    return {
        "count": cases.count(),
        "rows": build_rows(load_cases(cases.order_by("submitted_at", "pk"))[:SHOWN], role=role),
    }


def _describe(membership: Membership, handed: HandedOver) -> str:
    first = "Access ended. What they did stays." if membership.is_active else "Handed over."
    moved = handed.awaited + handed.readings
    if not moved:
        return first
    return f"{first} {moved} open case{'' if moved == 1 else 's'} went to the colleagues you chose."
