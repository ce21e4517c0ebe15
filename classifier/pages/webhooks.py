"""Webhooks of the clinic: the list, a new one, one with its log, and what an administrator does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from classifier.domain.errors import ServiceError
from classifier.labels.webhooks import DELIVERY_LOOKS, describe_endpoint, describe_trouble
from classifier.models import WebhookDelivery, WebhookEndpoint
from classifier.pages.access import page
from classifier.pages.forms.fields import carry_shown, read_changes
from classifier.pages.forms.webhook import DeliveryFilterForm, WebhookForm
from classifier.webhooks.docs import VERIFY
from classifier.webhooks.endpoints import (
    create_endpoint,
    redeliver,
    remove_endpoint,
    rotate_secret,
    send_test,
    set_endpoint_active,
    update_endpoint,
)
from portal.trust.accounts.roles import Action
from portal.trust.accounts.second_factor.step_up import step_up

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.trust.accounts.requests import PortalRequest


# --- One webhook --------------------------------------------------------------------------------


PAGE_SIZE = 25


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
@step_up
def webhook_detail(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """The webhook and its log; POST changes address, name and events."""
    endpoint = find_endpoint(request, pk)
    if request.method != "POST":
        return show_endpoint(request, endpoint)
    form = carry_shown(WebhookForm(request.POST))
    if not form.is_valid():
        return show_endpoint(request, endpoint, form=form, status=400)
    actor = request.user
    try:
        update_endpoint(actor=actor, endpoint=endpoint, **read_changes(form))
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
        "form": carry_shown(WebhookForm(initial=values)),
        "filters": filters,
        "is_narrowed": bool(chosen),
        "page_obj": page_obj,
        "deliveries": [(row, DELIVERY_LOOKS[row.state], describe_trouble(row)) for row in page_obj],
        "verify": VERIFY,
        "overlap_hours": settings.DERMAPORT_WEBHOOK_OVERLAP_HOURS,
        "breadcrumb": [("Webhooks", reverse("webhooks")), (endpoint.name, "")],
        **changes,
    }
    return render(request, "classifier/settings/webhook.html", context, status=status)


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


# --- Acts of an administrator -------------------------------------------------------------------


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
    try:
        issued = rotate_secret(actor=actor, endpoint=find_endpoint(request, pk))
    except ServiceError as error:
        return _go_to_list(request, error)
    return show_endpoint(request, issued.endpoint, secret=issued.secret)


@page(Action.ADMINISTER)
@require_POST
@step_up
def webhook_active(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Switch it off (`active=no`) or on again (`active=yes`)."""
    actor = request.user
    is_active = request.POST.get("active") == "yes"
    try:
        set_endpoint_active(actor=actor, endpoint=find_endpoint(request, pk), is_active=is_active)
    except ServiceError as error:
        return _go_to_list(request, error)
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
    try:
        remove_endpoint(actor=actor, endpoint=endpoint)
    except ServiceError as error:
        return _go_to_list(request, error)
    messages.success(request, "Webhook removed.")
    return redirect("webhooks")


def _go_to_list(request: PortalRequest, error: ServiceError) -> HttpResponse:
    """What a colleague removed meanwhile has no page of its own any more."""
    messages.error(request, error.message)
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
