"""Audit log: who did what in the clinic, for its administrators."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from classifier.exports.cases import export_audit_events
from classifier.labels.audit import describe_action
from classifier.labels.consent import format_origin
from classifier.models.audit_subjects import NamedPatient, find_patients
from classifier.pages.access import page
from classifier.pages.forms.audit_log import AuditLogForm
from portal.trust.accounts.roles import Action
from portal.trust.accounts.second_factor.step_up import step_up
from portal.trust.audit.models import AuditEvent

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.trust.accounts.requests import PortalRequest
    from portal.trust.audit.models import AuditEventQuerySet

PAGE_SIZE = 50
NOT_TOLD = {"submission", "user", "review", "sha256", "origin", "recorded_in"}
"""Details that are ids or hashes, or are told in words of their own."""
A_PERSON = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class AuditLogRow:
    """One line of the page."""

    event: AuditEvent
    words: str
    details: str
    patient: NamedPatient | None


@page(Action.ADMINISTER)
@require_safe
def audit_log(request: PortalRequest) -> HttpResponse:
    form, events = _read(request)
    page_obj = Paginator(events.select_related("actor").order_by("-position"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    patients = find_patients(page_obj, clinic=request.clinic)
    context = {
        "form": form,
        "page_obj": page_obj,
        "rows": [
            AuditLogRow(
                event, describe_action(event.action), _describe_details(event), patients.get(event.pk)
            )
            for event in page_obj
        ],
        "is_narrowed": bool(form.values),
    }
    return render(request, "classifier/audit/audit_log.html", context)


@page(Action.ADMINISTER)
@require_POST
@step_up
def audit_export(request: PortalRequest) -> StreamingHttpResponse:
    form, events = _read(request)
    lines = export_audit_events(
        actor=request.user,
        clinic=request.clinic,
        events=events,
        filters=sorted(form.values),
    )
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"audit-{timezone.localdate():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _read(request: PortalRequest) -> tuple[AuditLogForm, AuditEventQuerySet]:
    clinic = request.clinic
    form = AuditLogForm(request.GET, clinic=clinic)
    events = AuditEvent.objects.visible_to(request.user).filter(chain__clinic=clinic)
    return form, form.apply(events)


def _describe_details(event: AuditEvent) -> str:
    """Counts and codes in a few words; ids are left to the export."""
    parts = []
    if consent := format_origin(event.details.get("origin", ""), event.details.get("recorded_in", "")):
        parts.append(f"consent: {consent}")
    for name, value in sorted(event.details.items()):
        if value in ("", None, [], {}) or name in NOT_TOLD:
            continue
        if name in ("from", "to") and A_PERSON.fullmatch(str(value)):
            continue
        text = ", ".join(map(str, value)) if isinstance(value, list) else _flatten(value)
        parts.append(f"{name.replace('_', ' ')}: {text}")
    return " · ".join(parts)


def _flatten(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(str(part) for part in value.values())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
