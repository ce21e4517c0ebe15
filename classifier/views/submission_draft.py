"""The key of the draft that a browser keeps of a new case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from classifier.draft_keys import ClosedDraftError, issue_key, reopen_key
from classifier.models import Submission
from classifier.new_case import read_id
from classifier.views.access import page
from classifier.views.submission_new import read_posted_clinic

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest


@require_POST
@page()
@never_cache
def open_draft(request: PortalRequest) -> HttpResponse:
    """A key for a new draft, or for the one with this `ticket`; and where its case went, had it arrived.

    JSON: ticket and key; or `sent`, the address of the case that has this `request_key` already (the tab
    was lost while it was sent); or 410, where the draft opens no more and should be erased.
    """
    clinic, _ = read_posted_clinic(request)
    if key := read_id(request.POST.get("request_key")):
        mine = Submission.objects.visible_to(request.user).filter(clinic=clinic)
        if (case := mine.filter(request_key=key).first()) is not None:
            return JsonResponse({"sent": reverse("submission-detail", args=[case.pk])})
    ticket = request.POST.get("ticket", "")
    try:
        found = reopen_key(person=request.user, ticket=ticket) if ticket else issue_key(person=request.user)
    except ClosedDraftError:
        return JsonResponse({}, status=410)
    return JsonResponse({"ticket": found.ticket, "key": found.key})
