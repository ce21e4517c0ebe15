"""Command `verify_audit`: whether the chains of the audit log are whole."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.trust.audit.models import AuditAnchor, AuditEvent
from portal.trust.audit.services import verify_chains
from portal.trust.audit.verification import verify_anchors


class Command(BaseCommand):
    help = (
        "Check the audit log: every edit, deletion and reordering of an event is reported, and what "
        "disagrees with an anchor. Ends with status 1 when there is any."
    )

    def handle(self, *_: Any, **__: Any) -> None:
        breaks = [*verify_chains(), *verify_anchors()]
        for found in breaks:
            self.stderr.write(f"chain {found.chain}, event {found.position}: {found.reason}")
        if breaks:
            raise CommandError(f"The audit log is broken in {len(breaks)} places.")
        events, anchors = AuditEvent.objects.count(), AuditAnchor.objects.count()
        self.stdout.write(f"The audit log holds: {events} events and {anchors} anchors checked.")
