"""Webhooks of the clinic: the list, and a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from classifier.forms.webhook import WebhookForm
from classifier.labels.webhooks import describe_endpoint
from classifier.models import WebhookEndpoint
from classifier.services.errors import ServiceError
from classifier.views.access import page
from classifier.views.webhook_detail import show_endpoint
from classifier.webhooks.endpoints import create_endpoint
from portal.accounts.roles import Action
from portal.accounts.step_up import step_up

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
@step_up
def webhooks(request: PortalRequest) -> HttpResponse:
    """All webhooks; POST adds one and shows its secret on this one page."""
    if request.method != "POST":
        return _show(request, WebhookForm())
    form = WebhookForm(request.POST)
    if not form.is_valid():
        return _show(request, form, status=400)
    actor = request.user
    clinic = request.clinic
    try:
        issued = create_endpoint(actor=actor, clinic=clinic, **form.cleaned_data)
    except ServiceError as error:
        form.add_error(error.field or None, error.message)
        return _show(request, form, status=400)
    return show_endpoint(request, issued.endpoint, secret=issued.secret)


def _show(request: PortalRequest, form: WebhookForm, *, status: int = 200) -> HttpResponse:
    rows = WebhookEndpoint.objects.visible_to(request.user).filter(clinic=request.clinic)
    context = {
        "form": form,
        "endpoints": [(row, *describe_endpoint(row)) for row in rows.order_by("created_at")],
    }
    return render(request, "classifier/settings/webhooks.html", context, status=status)
