"""Command `create_clinic`: a clinic and its first administrator."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.management.invitations import describe_log_in
from portal.trust.accounts.people.founding import found_clinic


class Command(BaseCommand):
    help = "Create a clinic and its first administrator, and print a link that sets their password once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the clinic's name, as its people will read it")
        parser.add_argument(
            "--administrator", required=True, metavar="EMAIL", help="who adds the other people"
        )
        parser.add_argument("--full-name", default="", help="the administrator's name, if new here")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            appointment = found_clinic(
                name=options["name"],
                administrator_email=options["administrator"],
                full_name=options["full_name"],
            )
        except PeopleError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Clinic created. Its administrator: {appointment.person.email}.")
        for line in describe_log_in(appointment):
            self.stdout.write(line)
