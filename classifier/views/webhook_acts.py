"""What an administrator does with one webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from classifier.models import WebhookDelivery
from classifier.services.errors import ServiceError
from classifier.views.access import page
from classifier.views.webhook_detail import find_endpoint, show_endpoint
from classifier.webhooks.endpoints import (
    redeliver,
    remove_endpoint,
    rotate_secret,
    send_test,
    set_endpoint_active,
)
from portal.accounts.roles import Action
from portal.accounts.step_up import step_up

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest


@page(Action.ADMINISTER)
@require_POST
@step_up
def webhook_test(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    actor = request.user
    endpoint = find_endpoint(request, pk)
    try:
        send_test(actor=actor, endpoint=endpoint)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "A test is on its way. Reload the page to see what came of it.")
    return redirect("webhook-detail", pk)


@page(Action.ADMINISTER)
@require_POST
@step_up
def webhook_rotate(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Make a new secret and show it on this one page."""
    actor = request.user
    issued = rotate_secret(actor=actor, endpoint=find_endpoint(request, pk))
    return show_endpoint(request, issued.endpoint, secret=issued.secret)


@page(Action.ADMINISTER)
@require_POST
@step_up
def webhook_active(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Switch it off (`active=no`) or on again (`active=yes`)."""
    actor = request.user
    is_active = request.POST.get("active") == "yes"
    set_endpoint_active(actor=actor, endpoint=find_endpoint(request, pk), is_active=is_active)
    words = "Switched on." if is_active else "Switched off. What waited for it is not sent."
    messages.success(request, words)
    return redirect("webhook-detail", pk)


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
@step_up
def webhook_remove(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask first; POST removes it."""
    actor = request.user
    endpoint = find_endpoint(request, pk)
    if request.method != "POST":
        context = {"endpoint": endpoint}
        return render(request, "classifier/settings/webhook_remove.html", context)
    remove_endpoint(actor=actor, endpoint=endpoint)
    messages.success(request, "Webhook removed.")
    return redirect("webhooks")


@page(Action.ADMINISTER)
@require_POST
@step_up
def webhook_redeliver(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Send the event of delivery `pk` once more."""
    actor = request.user
    rows = WebhookDelivery.objects.visible_to(request.user).select_related("endpoint", "event")
    clinic = request.clinic
    delivery = get_object_or_404(rows, pk=pk, endpoint__clinic=clinic)
    try:
        redeliver(actor=actor, delivery=delivery)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "On its way again.")
    return redirect("webhook-detail", delivery.endpoint_id)
