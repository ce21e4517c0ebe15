from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.audit.models import AuditEvent
from portal.audit.services import verify_chains


class Command(BaseCommand):
    help = "Check the audit trail: every edit, deletion and reordering of an event is reported."

    def handle(self, *_: Any, **__: Any) -> None:
        breaks = list(verify_chains())
        for found in breaks:
            self.stderr.write(f"chain {found.chain}, event {found.position}: {found.reason}")
        if breaks:
            raise CommandError(f"The audit trail is broken in {len(breaks)} places.")
        self.stdout.write(f"The audit trail holds: {AuditEvent.objects.count()} events checked.")
