"""Command `compare_predictions`: the portal's own results against those of `python -m ml evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.cases.comparison import compare_with_table, read_table


class Command(BaseCommand):
    help = (
        "Compare the portal's own results with a table written by `python -m ml evaluate --output`, "
        "image by image (joined by the SHA-256 of the file); fails when they differ."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", type=Path)
        parser.add_argument("--clinic", default="", help="only this clinic's images (its name)")
        parser.add_argument("--tolerance", type=float, default=1e-5, help="of a probability (1e-5)")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            expected = read_table(options["table"])
        except (OSError, KeyError, ValueError) as error:
            raise CommandError(f"{options['table']} can't be read as predictions: {error}") from error
        found = compare_with_table(expected, clinic=options["clinic"], tolerance=options["tolerance"])
        for difference in found.differences:
            self.stdout.write(f"{difference.sha256}  {difference.what}")
        self.stdout.write(f"Images in the table    {len(expected)}")
        self.stdout.write(f"Results in the portal  {found.answered}")
        self.stdout.write(f"Differences            {len(found.differences)}")
        for name, (right, labelled) in (("portal", found.portal), ("table", found.table)):
            if labelled:
                self.stdout.write(
                    f"Accuracy, {name:<13}{right / labelled:.6f} ({right:,} of {labelled:,} labelled images)"
                )
        if found.differences:
            raise CommandError(f"{len(found.differences)} images differ.")
