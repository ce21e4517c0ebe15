"""Health for a balancer, status for operators."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from classifier.models import ModelVersion
from classifier.registry.versions import find_newer_default
from portal.operations.health import probes
from portal.operations.health.queue import read_queue
from portal.operations.health.webhooks import probe_webhooks

PACKAGES = ("Django", "celery", "kombu", "keras", "tensorflow-cpu", "tensorflow", "gunicorn")


@require_safe
@never_cache
def show_live(_: HttpRequest) -> JsonResponse:
    """Say that the process answers. It asks nothing else, so that no other part's fault restarts it."""
    return JsonResponse({"status": "live"})


@require_safe
@never_cache
def show_ready(_: HttpRequest) -> JsonResponse:
    """May this process be sent people? Without its broker it may: submissions are kept."""
    needed = [probes.probe_database(), probes.probe_migrations()]
    broker = probes.probe_broker()
    checks = {probe.name: "ok" if probe.ok else "failing" for probe in (*needed, broker)}
    if not all(probe.ok for probe in needed):
        return JsonResponse({"status": "unavailable", "checks": checks}, status=503)
    return JsonResponse({"status": "ready" if broker.ok else "degraded", "checks": checks})


@require_safe
@never_cache
@login_required
def show_status(request: HttpRequest) -> HttpResponse:
    """The operator's one page that says what is wrong."""
    if not request.user.is_staff:
        raise PermissionDenied("This page is for operators of the site.")
    found = [
        probes.probe_database(),
        probes.probe_migrations(),
        probes.probe_broker(),
        probes.probe_worker(),
        probes.probe_gates(),
        probe_webhooks(),
        probes.probe_disk(),
    ]
    try:
        queue = read_queue()
        model = ModelVersion.objects.active().first()
        newer = find_newer_default()
    except DatabaseError:
        queue, model, newer = None, None, None
    return render(
        request,
        "health/status.html",
        {
            "probes": found,
            "wrong": [probe for probe in found if not probe.ok],
            "queue": queue,
            "active_model": model,
            "newer_model": newer,
            "versions": read_versions(),
        },
    )


def read_versions() -> list[tuple[str, str]]:
    """What runs here, read from the installed packages without importing them."""
    found = [("Python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found
