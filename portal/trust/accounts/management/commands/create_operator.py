"""Command `create_operator`: who keeps the site running and sees `/status/`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.management.invitations import describe_log_in
from portal.trust.accounts.people.founding import appoint_operator


class Command(BaseCommand):
    help = (
        "Let a person see the status page, and print a link that sets their password once. "
        "An operator belongs to no clinic by this and sees no patient."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--full-name", default="", help="the operator's name, if new here")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            appointment = appoint_operator(email=options["email"], full_name=options["full_name"])
        except PeopleError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Operator: {appointment.person.email}.")
        for line in describe_log_in(appointment):
            self.stdout.write(line)
