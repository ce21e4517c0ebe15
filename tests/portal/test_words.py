"""Plain English to people: turns of phrase that were found in pages and messages, and may not come back."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
SPOKEN = [
    *sorted((PROJECT / "templates").rglob("*.html")),
    *sorted((PROJECT / "templates").rglob("*.txt")),
    *(
        path
        for folder in ("classifier", "portal")
        for path in sorted((PROJECT / folder).rglob("*.py"))
        if "migrations" not in path.parts
    ),
]
RIDDLES = {
    "an inversion": r"\bOf a DICOM file\b|\bWhom you invite\b|\bIt never may\b|\bmay never do more\b",
    "a verb without its object": r"[Jj]udges along|[Jj]udge along|Judged, not referred|Right, where judged",
    "once more for again": r"once more who you are|, once more\b",
    "to open an account like a door": r"now opens your account|no longer opens your account|open your account",
    "in, out and along": r"gets in no more|takes no (images|reports)|come in by single|don't come in here",
    "to leave nothing over": r"leave nothing over",
    "anew": r"[Ss]ubmit (it|the images) anew|invite them anew|[Oo]pen the page anew",
    "to give it to nobody": r"Give the link to nobody|there is nothing to do\b",
    "by itself": r"[Ee]rasing by itself|erased by itself",
    "cancelled for withdrawn": r"submission was cancelled|\bcancelled a case|\"Cancelled\", *\"close",
    "correct on a button": r">Correct</a>|\"Correct\"|[Ww]hy you correct",
    "to stand where it is": r"stands here at once|stand here until they accept|lies further back",
}


def speak(path):
    """The words of a file on one line each, without comments of templates."""
    text = path.read_text()
    if path.suffix == ".html":
        text = re.sub(r"\{% comment %\}.*?\{% endcomment %\}", "", text, flags=re.DOTALL)
    else:
        text = re.sub(r'""".*?"""', "", text, flags=re.DOTALL)
        text = re.sub(r"(?m)^\s*#.*$", "", text)
    # A sentence that goes on in the next literal is one sentence.
    return re.sub(r"\"\s*\n\s*f?\"", "", text)


@pytest.mark.parametrize("kind", RIDDLES)
def test_no_page_and_no_message_speaks_in_riddles(kind):
    found = {
        (str(path.relative_to(PROJECT)), match.group(0))
        for path in SPOKEN
        for match in re.finditer(RIDDLES[kind], speak(path))
    }

    assert found == set()
