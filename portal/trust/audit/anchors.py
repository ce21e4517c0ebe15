"""Anchors: what all chains said at one moment, kept in a table and in a file outside the database."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.trust.audit.models import GENESIS, AuditAnchor, AuditChain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

log = structlog.get_logger(__name__)

TAIL_BYTES = 4 * 1024 * 1024
"""More than the longest line: an anchor of ten thousand clinics has about one megabyte."""


def anchor_chains() -> AuditAnchor | None:
    """Anchor the heads of all chains; None when none of them has moved since the last anchor."""
    try:
        anchor = _make_anchor()
    except IntegrityError:
        # Another process anchored at the same moment, and did the same.
        anchor = None
    if anchor is not None:
        log.info("audit_anchored", position=anchor.position, digest=anchor.digest)
    publish_anchors()
    return anchor


def _make_anchor() -> AuditAnchor | None:
    with transaction.atomic():
        latest = AuditAnchor.objects.order_by("-position").first()
        heads = {c.key: [c.last_position, c.last_hash] for c in AuditChain.objects.order_by("key")}
        if not heads or (latest is not None and latest.heads == heads):
            return None
        anchor = AuditAnchor(
            position=latest.position + 1 if latest else 1,
            made_at=timezone.now(),
            heads=heads,
            previous_digest=latest.digest if latest else GENESIS,
        )
        anchor.digest = anchor.compute_digest()
        anchor.signature = sign(anchor.digest)
        anchor.save(force_insert=True)
    return anchor


def sign(digest: str) -> str:
    """HMAC-SHA256 of `digest` under the key of the settings; empty without one."""
    key = settings.DERMAPORT_AUDIT_ANCHOR_KEY
    return hmac.new(key.encode(), digest.encode(), hashlib.sha256).hexdigest() if key else ""


def anchor_file() -> Path | None:
    """Where anchors are written down; None where that is turned off."""
    path = settings.DERMAPORT_AUDIT_ANCHOR_FILE
    return Path(path) if path else None


def publish_anchors() -> int:
    """Append to the file every anchor that it lacks; return how many.

    A crash between the table and the file, or a full disk, is made good the next time.
    """
    path = anchor_file()
    if path is None:
        return 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            return _append_missing(file)
    except OSError:
        log.exception("audit_anchors_not_published")
        return 0


def _append_missing(file: BinaryIO) -> int:
    count = 0
    for anchor in AuditAnchor.objects.filter(position__gt=_last_position(file)).iterator():
        file.write(json.dumps(describe(anchor), sort_keys=True).encode() + b"\n")
        count += 1
    file.flush()
    os.fsync(file.fileno())
    return count


def describe(anchor: AuditAnchor) -> dict[str, Any]:
    return {
        "position": anchor.position,
        "made_at": anchor.made_at.isoformat(),
        "heads": anchor.heads,
        "previous_digest": anchor.previous_digest,
        "digest": anchor.digest,
        "signature": anchor.signature,
    }


def _last_position(file: BinaryIO) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL_BYTES))
    lines = file.read().splitlines()
    return int(json.loads(lines[-1])["position"]) if lines else 0


def read_published() -> Iterator[dict[str, Any]]:
    """The anchors of the file, oldest first; a line that can't be read comes as an empty one."""
    path = anchor_file()
    if path is None or not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                yield dict(json.loads(line))
            except (ValueError, TypeError):
                yield {}
