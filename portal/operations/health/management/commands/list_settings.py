"""Print the table of settings: every environment variable that the portal reads, from the settings modules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.settings.environment import draw_table
from portal.settings.paths import BASE_DIR

PAGE = BASE_DIR / "docs" / "operators.md"
BEGIN, END = "<!-- settings:begin -->", "<!-- settings:end -->"


def replace_table(text: str) -> str:
    """Return `text` with the table between its markers made anew. Raises ValueError without markers."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"Expected {BEGIN} and {END}, received neither.")
    return pattern.sub(lambda _: f"{BEGIN}\n\n{draw_table()}\n\n{END}", text)


class Command(BaseCommand):
    help = "Print every environment variable that the portal reads, with its default and what it does."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--update", action="store_true", help="write the table into docs/operators.md")
        parser.add_argument("--page", type=Path, default=PAGE, help="another page than docs/operators.md")

    def handle(self, *_: Any, update: bool, page: Path, **__: Any) -> None:
        if not update:
            self.stdout.write(draw_table())
            return
        try:
            text = replace_table(page.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        page.write_text(text, encoding="utf-8")
        self.stdout.write(f"{page} is up to date.")
