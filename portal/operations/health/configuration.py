"""System checks: what must be right before a process takes work."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register, run_checks  # noqa: A004 (Django's name)
from django.db import DatabaseError

from portal.settings.environment import find_former

EX_CONFIG = 78  # sysexits.h: the keeper doesn't try again


def stop_on_errors() -> None:
    """Print what is wrong with the configuration; end the process where one of it is an error."""
    found = run_checks(databases=["default"])
    for message in found:
        sys.stderr.write(f"{message.id}: {message.msg} {message.hint or ''}".rstrip() + "\n")
    sys.stderr.flush()
    if any(message.is_serious() for message in found):
        sys.exit(EX_CONFIG)


@register(Tags.compatibility)
def check_former_variables(**_: Any) -> list[CheckMessage]:
    """A variable that is set and read no more is said aloud: whoever set it believes that it holds."""
    return [
        Warning(
            f"{name} is set, and this version doesn't read it. What holds instead: {instead}.",
            hint="Take it out of the environment. docs/operators.md lists what can be set.",
            id="health.W012",
        )
        for name, instead in find_former().items()
    ]


@register(Tags.compatibility)
def check_time_limits(**_: Any) -> list[CheckMessage]:
    """Soft limit < hard limit < lease and visibility timeout, else a task runs twice."""
    soft, hard = settings.CELERY_TASK_SOFT_TIME_LIMIT, settings.CELERY_TASK_TIME_LIMIT
    visibility = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    found: list[CheckMessage] = []
    if soft >= hard:
        found.append(
            Error(
                f"The soft time limit ({soft} s) must be shorter than the hard one ({hard} s).",
                id="health.E001",
            )
        )
    if visibility <= hard:
        found.append(
            Error(
                f"The visibility timeout ({visibility} s) must be longer than the hard time limit ({hard} s).",
                hint="Raise DERMAPORT_VISIBILITY_SECONDS in portal/settings/base.py.",
                id="health.E002",
            )
        )
    if hard >= settings.DERMAPORT_LEASE_SECONDS:
        found.append(
            Error(
                f"A lease ({settings.DERMAPORT_LEASE_SECONDS} s) must outlive the hard time limit ({hard} s).",
                hint="Raise DERMAPORT_LEASE_SECONDS in portal/settings/base.py.",
                id="health.E003",
            )
        )
    return found


@register(Tags.security)
def check_content_security_policy(**_: Any) -> list[CheckMessage]:
    directives = getattr(settings, "CONTENT_SECURITY_POLICY", {}).get("DIRECTIVES", {})
    script = directives.get("script-src", ["'unsafe-inline'"])
    if "csp.middleware.CSPMiddleware" in settings.MIDDLEWARE and not {
        "'unsafe-inline'",
        "'unsafe-eval'",
        "*",
    } & set(script):
        return []
    return [
        Error(
            "Pages need a Content-Security-Policy whose script-src allows no inline code.", id="health.E004"
        )
    ]


@register(Tags.security)
def check_sealed_storage(**_: Any) -> list[CheckMessage]:
    """The original of a patient's image never lies under a folder that is served."""
    sealed = Path(settings.SEALED_ROOT).resolve()
    public = [folder for folder in (settings.STATIC_ROOT, settings.MEDIA_ROOT) if folder]
    return [
        Error(f"Sealed originals lie under {folder}, which is served.", id="health.E005")
        for folder in public
        if sealed.is_relative_to(Path(folder).resolve())
    ]


@register(Tags.database)
def check_model_files(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Every model version that serves has its file, unchanged; so has the network that outlines. Needs the database."""
    if not databases:
        return []
    from classifier.models import ModelVersion, OutlineNetwork  # noqa: PLC0415 - checks load before models

    try:
        served = list(ModelVersion.objects.in_use())
        outlining = list(OutlineNetwork.objects.active())
    except DatabaseError as error:
        # Not an error: `migrate` itself runs these checks, and a database that is away for a
        # moment must not keep a worker from starting.
        return [
            Warning(
                f"The model versions can't be read ({type(error).__name__}).",
                hint="Run manage.py migrate.",
                id="health.W006",
            )
        ]
    return [
        *(message for version in served for message in check_file(version)),
        *(message for network in outlining for message in check_outliner(network)),
    ]


@register(Tags.compatibility)
def check_gates(**_: Any) -> list[CheckMessage]:
    """The gates are on, and their files are those that were measured."""
    from classifier.engine.serving import find_gate_problem  # noqa: PLC0415 - checks load before models

    if not settings.DERMAPORT_GATES:
        return [
            Warning(
                "The quality and domain gates are off: every image that can be decoded gets a figure.",
                hint="Set DERMAPORT_GATES to True in the settings module that turned it off.",
                id="health.W010",
            )
        ]
    problem = find_gate_problem()
    return [Error(f"The gates can't be loaded: {problem}", id="health.E009")] if problem else []


def check_outliner(network: Any) -> list[CheckMessage]:
    """A warning: without it nothing is outlined, and every case is judged as before."""
    from classifier.domain.errors import ConflictError  # noqa: PLC0415 - checks load before models
    from classifier.registry.outlines import check_outline_file  # noqa: PLC0415

    try:
        check_outline_file(network)
    except ConflictError as conflict:
        hint = "Put the file back, or register the shipped one: manage.py register_models."
        return [Warning(f"{network} can't outline: {conflict.message}", hint=hint, id="health.W012")]
    return []


def check_file(version: Any) -> list[CheckMessage]:
    """A changed file is an error, but where an upgrade changed it: `migrate` must run before that is mended."""
    from classifier.engine import serving  # noqa: PLC0415 - checks load before models
    from classifier.registry.versions import is_replaced_by  # noqa: PLC0415

    path = Path(settings.DERMAPORT_MODELS_DIR) / version.file
    if not path.is_file():
        return [Error(f"The file of model {version} is missing: {path}.", id="health.E007")]
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found == version.sha256:
        return []
    words = f"{path.name}: expected sha256 {version.sha256}, received {found}."
    for shipped in serving.shipped_specifications():
        if shipped.sha256 == found and is_replaced_by(version, shipped):
            hint = f"An upgrade brought {shipped.name} {shipped.version}: run manage.py register_models."
            return [Warning(words, hint=hint, id="health.W011")]
    return [Error(words, id="health.E008")]
