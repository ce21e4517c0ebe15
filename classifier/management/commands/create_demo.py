"""Command `create_demo`: invented clinics, people and cases."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.demo.cases import create_cases, sign_some_reviews, wait_for_results
from classifier.demo.people import create_people


class Command(BaseCommand):
    help = "Create the demo once: invented clinics, people, and with --cases drawn lesions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--cases", action="store_true", help="submit the drawn lesions too")
        parser.add_argument("--pace", type=float, default=0.0, help="seconds between two submissions")
        parser.add_argument(
            "--yes-in-production",
            action="store_true",
            help="make invented people in a site whose settings don't ask for a demo",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        if not settings.DERMAPORT_DEMO and not options["yes_in_production"]:
            raise CommandError(
                "These settings don't allow a demo (DERMAPORT_DEMO is off). "
                "Add --yes-in-production if you want invented people in this site."
            )
        made = create_people()
        self.stdout.write("Demo people created." if made else "Demo people are there already.")
        if options["cases"]:
            self._create_cases(options["pace"], options["verbosity"])

    def _create_cases(self, pace: float, verbosity: int) -> None:
        report = self.stdout.write if verbosity > 1 else _print_nothing
        count = create_cases(pace_seconds=pace, report=report)
        self.stdout.write(f"Demo cases submitted: {count}.")
        if not wait_for_results():
            self.stdout.write("Results are still coming; run this again to have some signed.")
            return
        self.stdout.write(f"Demo reviews signed: {sign_some_reviews(report=report)}.")


def _print_nothing(_: str) -> None:
    pass
