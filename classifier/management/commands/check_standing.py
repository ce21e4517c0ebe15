"""Check the standing columns of all cases, lesions and patients, and mend them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.standing.columns import find_differences, mend


class Command(BaseCommand):
    help = (
        "Work out from the rows what every case, lesion and patient is held for, and compare it with the "
        "columns that pages and lists read. Ends with status 1 when they differ. --mend writes what the "
        "rows say; who follows a case up finds what became of it unread."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mend", action="store_true", help="write the columns anew where they differ")

    def handle(self, *_: Any, **options: Any) -> None:
        found = list(find_differences())
        for one in found:
            self.stdout.write(
                f"{one.table} {one.pk}: {one.column} is {one.stored!s}, and the rows say {one.expected!s}"
            )
        if found and options["mend"]:
            self.stdout.write(f"Mended the columns of {mend(found)} patients.")
            found = list(find_differences())
        if found:
            raise CommandError(f"{len(found)} columns differ from the rows.")
        self.stdout.write("Every standing is what the rows say.")
