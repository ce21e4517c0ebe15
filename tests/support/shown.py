"""What the form of a page carries of the row that it showed: the way to send a page that was open all the time."""

from __future__ import annotations

import html
import re


def read_shown(page: str) -> dict[str, str]:
    """Names and values of the hidden fields by which a form tells what was changed."""
    found = re.findall(r'<input type="hidden" name="(initial-\w+)"(?: value="([^"]*)")?', page)
    return {name: html.unescape(value) for name, value in found}
