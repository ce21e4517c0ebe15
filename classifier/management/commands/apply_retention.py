"""Command `apply_retention`: erase whom the retention policies of the clinics call due."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.privacy.retention import apply_retention, find_due
from portal.trust.accounts.models import Clinic


class Command(BaseCommand):
    help = (
        "Erase the patients who have been inactive for longer than their clinic keeps data. Clinics "
        "without a policy and patients on legal hold are left alone. Look with --dry-run first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--clinic", help="only this clinic, by name")
        parser.add_argument("--dry-run", action="store_true", help="say whom, and erase nobody")

    def handle(self, *_: Any, **options: Any) -> None:
        clinics = Clinic.objects.filter(retention_years__isnull=False)
        if options["clinic"]:
            clinics = clinics.filter(name=options["clinic"])
            if not clinics:
                raise CommandError(f"No clinic named {options['clinic']!r} has a retention policy.")
        for clinic in clinics:
            if options["dry_run"]:
                self._show(clinic)
            else:
                self.stdout.write(f"{clinic}: {apply_retention(clinic)} patients erased.")

    def _show(self, clinic: Clinic) -> None:
        due = find_due(clinic)
        self.stdout.write(
            f"{clinic}: {due.count()} patients would be erased ({clinic.retention_years} years)."
        )
        patient: Any  # with the moment of its last activity, which the query annotates
        for patient in due.iterator():
            self.stdout.write(f"  {patient.public_id}  last activity {patient.last_activity:%Y-%m-%d}")
