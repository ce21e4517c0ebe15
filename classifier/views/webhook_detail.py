"""One webhook: what it is told, its log, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from classifier.forms.webhook import DeliveryFilterForm, WebhookForm
from classifier.labels.webhooks import DELIVERY_LOOKS, describe_endpoint, describe_trouble
from classifier.models import WebhookEndpoint
from classifier.services.errors import ServiceError
from classifier.views.access import page
from classifier.webhooks.docs import VERIFY
from classifier.webhooks.endpoints import update_endpoint
from portal.accounts.roles import Action
from portal.accounts.step_up import step_up

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest

PAGE_SIZE = 25


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
@step_up
def webhook_detail(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """The webhook and its log; POST changes address, name and events."""
    endpoint = find_endpoint(request, pk)
    if request.method != "POST":
        return show_endpoint(request, endpoint)
    form = WebhookForm(request.POST)
    if not form.is_valid():
        return show_endpoint(request, endpoint, form=form, status=400)
    actor = request.user
    try:
        update_endpoint(actor=actor, endpoint=endpoint, **form.cleaned_data)
    except ServiceError as error:
        form.add_error(error.field or None, error.message)
        return show_endpoint(request, endpoint, form=form, status=400)
    messages.success(request, "Webhook saved.")
    return redirect("webhook-detail", pk)


def find_endpoint(request: PortalRequest, pk: uuid.UUID) -> WebhookEndpoint:
    """One of the current clinic; 404 otherwise."""
    rows = WebhookEndpoint.objects.visible_to(request.user).select_related("clinic")
    return get_object_or_404(rows, pk=pk, clinic=request.clinic)


def show_endpoint(
    request: PortalRequest, endpoint: WebhookEndpoint, *, status: int = 200, **changes: Any
) -> HttpResponse:
    filters = DeliveryFilterForm(request.GET)
    filters.is_valid()
    chosen = {name: value for name, value in filters.cleaned_data.items() if value}
    rows = endpoint.deliveries.select_related("event").order_by("-created_at", "-id")
    rows = rows.filter(**{"event__type" if name == "type" else name: chosen[name] for name in chosen})
    page_obj = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    values = {"url": endpoint.url, "description": endpoint.description, "events": endpoint.events}
    context = {
        "endpoint": endpoint,
        "standing": describe_endpoint(endpoint),
        "form": WebhookForm(initial=values),
        "filters": filters,
        "is_narrowed": bool(chosen),
        "page_obj": page_obj,
        "deliveries": [(row, DELIVERY_LOOKS[row.state], describe_trouble(row)) for row in page_obj],
        "verify": VERIFY,
        "overlap_hours": settings.DERMAPORT_WEBHOOK_OVERLAP_HOURS,
        "trail": [("Webhooks", reverse("webhooks")), (endpoint.name, "")],
        **changes,
    }
    return render(request, "classifier/settings/webhook.html", context, status=status)
