"""Networks that outline lesions: registered, put to use, retired. Apart from the model versions, by the same checks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.vocabulary import ModelLifecycle
from classifier.engine import serving
from classifier.models import OutlineNetwork
from classifier.registry.files import digest_plain_file, write_file
from classifier.registry.versions import register_file
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from portal.trust.accounts.models import User


def register_outline_file(
    *, path: str, declared: serving.OutlineDeclaration, actor: User | None = None
) -> OutlineNetwork:
    """Register the network file at `path` under what its owner declares; it outlines nothing until activated.

    A refusal leaves the audit event `outline_network.refused` with its code and the file's SHA-256, never its name,
    and raises InvalidInputError with that code; ConflictError (version_taken) as `register_outline_network`.
    """
    try:
        prepared = serving.prepare_outliner(path, declared)
    except serving.RefusedNetworkError as error:
        record_event(
            clinic_id=None,
            action="outline_network.refused",
            actor=actor,
            details={"code": error.code, "sha256": digest_plain_file(path)},
        )
        raise InvalidInputError(error.code, error.message) from error
    folder = serving.outlines_folder()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / prepared.specification.file
    write_file(target, prepared.data)
    network = register_outline_network(specification=prepared.specification, actor=actor)
    if network.file == prepared.specification.file:
        prepared.specification.save(target.with_suffix(".json"))
    return network


def register_outline_network(
    *, specification: serving.OutlineSpecification, actor: User | None = None
) -> OutlineNetwork:
    """Register a network by its specification; the same file again is the same network.

    Raises ConflictError (version_taken) when name and version belong to another file.
    """
    return register_file(OutlineNetwork, specification, action="outline_network.registered", actor=actor)


def activate_outline_network(*, network: OutlineNetwork, actor: User | None = None) -> OutlineNetwork:
    """Let `network` outline what is asked for from now on; the one before retires, and its outlines stay.

    Raises ConflictError (file_missing, file_changed) when it can't be served.
    """
    check_outline_file(network)
    with transaction.atomic():
        networks = {one.pk: one for one in OutlineNetwork.objects.order_by("pk").select_for_update()}
        network = networks[network.pk]
        if network.lifecycle == ModelLifecycle.ACTIVE:
            return network
        for former in networks.values():
            if former.lifecycle == ModelLifecycle.ACTIVE:
                _move(former, ModelLifecycle.RETIRED, actor)
        _move(network, ModelLifecycle.ACTIVE, actor)
    return network


def register_shipped_outline_networks(*, actor: User | None = None) -> list[OutlineNetwork]:
    """Register every network in the folder of outlines; the first is put to use where none is.

    One that is in use stays, unless the upgrade put another network into its very file. Raises ValueError for an unreadable specification and ConflictError as above.
    """
    networks = [
        register_outline_network(specification=specification, actor=actor)
        for specification in serving.shipped_outline_specifications()
    ]
    active = OutlineNetwork.objects.active().first()
    for network in networks:
        if active is None or (network.file == active.file and network.sha256 != active.sha256):
            active = activate_outline_network(network=network, actor=actor)
    for network in networks:
        network.refresh_from_db()
    return networks


def check_outline_file(network: OutlineNetwork) -> None:
    """Raise ConflictError (file_missing, file_changed) where the file of `network` is not what was registered."""
    path = serving.outlines_folder() / network.file
    if not path.is_file():
        raise ConflictError(
            "file_missing",
            f"The file {network.file} is not in the folder outlines of the models folder. Put it back first.",
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != network.sha256:
        raise ConflictError(
            "file_changed",
            f"{network.file} is not what was registered: expected sha256 {network.sha256[:16]}…, "
            f"received {found[:16]}…. Register the new file as a new version.",
        )


def _move(network: OutlineNetwork, lifecycle: ModelLifecycle, actor: User | None) -> None:
    former = network.lifecycle
    network.lifecycle = lifecycle
    if lifecycle == ModelLifecycle.ACTIVE:
        network.activated_at = timezone.now()
    network.save(update_fields=["lifecycle", "activated_at"])
    record_event(
        clinic_id=None,
        action=f"outline_network.{lifecycle.value}",
        actor=actor,
        obj=network,
        details={"from": former},
    )
