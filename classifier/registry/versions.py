"""Model lifecycle: register networks and move them on: registered, shadow, active, retired."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from classifier.domain.errors import ConflictError
from classifier.domain.vocabulary import ModelLifecycle
from classifier.engine import serving
from classifier.engine.model_refusals import record_refused_file
from classifier.models import ModelVersion, OutlineNetwork
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from portal.trust.accounts.models import User

Registered = TypeVar("Registered", ModelVersion, OutlineNetwork)


def register_model(*, specification: serving.ModelSpecification, actor: User | None = None) -> ModelVersion:
    """Register a network by its specification; the same file again is the same version.

    Raises ConflictError (version_taken) when name and version belong to another file.
    """
    return register_file(ModelVersion, specification, action="model.registered", actor=actor)


def register_file(
    model: type[Registered],
    specification: serving.ModelSpecification | serving.OutlineSpecification,
    *,
    action: str,
    actor: User | None,
) -> Registered:
    """Keep one row of `model` for each file, with its event `action`; raises ConflictError (version_taken)."""
    known = model.objects.filter(sha256=specification.sha256).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            row = model.objects.create(
                name=specification.name,
                version=specification.version,
                file=specification.file,
                sha256=specification.sha256,
                specification=specification.to_dict(),
            )
            record_event(
                clinic_id=None,
                action=action,
                actor=actor,
                obj=row,
                details={"sha256": row.sha256},
            )
    except IntegrityError as error:
        # Two machines may start, and register what they bring, at the same moment.
        known = model.objects.filter(sha256=specification.sha256).first()
        if known is not None:
            return known
        raise ConflictError(
            "version_taken",
            f"{specification.name} {specification.version} is registered with another file. "
            "Give the new file a new version.",
        ) from error
    return row


def set_lifecycle(
    *, version: ModelVersion, lifecycle: ModelLifecycle, actor: User | None = None
) -> ModelVersion:
    """Move a version. Activating one retires the active one; old results keep theirs.

    Raises ConflictError (no_way_back) for a move to `registered`.
    """
    if lifecycle == ModelLifecycle.REGISTERED:
        raise ConflictError("no_way_back", "A version can't go back to “registered”. Retire it instead.")
    with transaction.atomic():
        # All of them, in one order: two activations at once follow each other.
        versions = {one.pk: one for one in ModelVersion.objects.order_by("pk").select_for_update()}
        version = versions[version.pk]
        if version.lifecycle == lifecycle:
            return version
        if lifecycle == ModelLifecycle.ACTIVE:
            for former in versions.values():
                if former.lifecycle == ModelLifecycle.ACTIVE:
                    _move(former, ModelLifecycle.RETIRED, actor)
        _move(version, lifecycle, actor)
    return version


def register_shipped_models(*, actor: User | None = None) -> list[ModelVersion]:
    """Register every network in the models folder; make the default one active where none is.

    The default is DERMAPORT_DEFAULT_MODEL; without it the first by file name. An active version
    stays: what an upgrade brings is registered and waits for an operator (`find_newer_default`).
    Only where the upgrade put its network into the very file of a version in use does it take that
    version's place: the old network is gone, and nothing would judge.
    """
    versions = [
        register_model(specification=specification, actor=actor)
        for specification in serving.shipped_specifications()
    ]
    for former in ModelVersion.objects.in_use():
        for version in versions:
            if is_replaced_by(former, version):
                set_lifecycle(version=version, lifecycle=ModelLifecycle(former.lifecycle), actor=actor)
                set_lifecycle(version=former, lifecycle=ModelLifecycle.RETIRED, actor=actor)
    if versions and not ModelVersion.objects.active().exists():
        wanted = (one for one in versions if one.name == settings.DERMAPORT_DEFAULT_MODEL)
        set_lifecycle(version=next(wanted, versions[0]), lifecycle=ModelLifecycle.ACTIVE, actor=actor)
    return versions


def is_replaced_by(former: ModelVersion, shipped: ModelVersion | serving.ModelSpecification) -> bool:
    """Whether `shipped`, of the models folder, is another network in the file of `former`."""
    same_place = (shipped.name, shipped.file) == (former.name, former.file)
    return same_place and shipped.sha256 != former.sha256


def change_lifecycle(*, actor: User, version: ModelVersion, lifecycle: ModelLifecycle) -> ModelVersion:
    """`set_lifecycle` as an operator asks for it. Queued images keep the version they wait for.

    Raises PermissionDenied; ConflictError (no_way_back; needs_successor when the active version is to
    go without another in its place; file_missing, file_changed when it can't be served).
    """
    if not actor.is_staff:
        raise PermissionDenied("Only operators of the site change which model serves.")
    if version.lifecycle == ModelLifecycle.ACTIVE and lifecycle != ModelLifecycle.ACTIVE:
        raise ConflictError(
            "needs_successor", f"{version} judges every new case. Activate another version in its place."
        )
    if lifecycle in (ModelLifecycle.ACTIVE, ModelLifecycle.SHADOW):
        try:
            _check_file(version)
        except ConflictError as error:
            record_refused_file(version=version, code=error.code, actor=actor)
            raise
    return set_lifecycle(version=version, lifecycle=lifecycle, actor=actor)


def find_newer_default() -> ModelVersion | None:
    """The default network that an upgrade brought and nobody has put to use; None if there is none."""
    newest = (
        ModelVersion.objects.filter(name=settings.DERMAPORT_DEFAULT_MODEL).order_by("-registered_at").first()
    )
    is_waiting = newest is not None and newest.lifecycle == ModelLifecycle.REGISTERED
    return newest if is_waiting and ModelVersion.objects.active().exists() else None


def _check_file(version: ModelVersion) -> None:
    path = Path(settings.DERMAPORT_MODELS_DIR) / version.file
    if not path.is_file():
        raise ConflictError(
            "file_missing", f"The file {version.file} is not in the models folder. Put it back first."
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != version.sha256:
        raise ConflictError(
            "file_changed",
            f"{version.file} is not what was registered: expected sha256 {version.sha256[:16]}…, "
            f"received {found[:16]}…. Register the new file as a new version.",
        )


def _move(version: ModelVersion, lifecycle: ModelLifecycle, actor: User | None) -> None:
    former = version.lifecycle
    version.lifecycle = lifecycle
    if lifecycle == ModelLifecycle.ACTIVE:
        version.activated_at = timezone.now()
    version.save(update_fields=["lifecycle", "activated_at"])
    record_event(
        clinic_id=None,
        action=f"model.{lifecycle.value}",
        actor=actor,
        obj=version,
        details={"from": former},
    )
