"""Wait for cases, one after the other: the last one is no sooner done for being asked about first."""

from __future__ import annotations

from collections.abc import Sequence

from classifier.client.client import Client
from classifier.client.command.progress import make_bar

UNJUDGED = frozenset({"no_result", "cancelled"})


def wait_for(client: Client, submissions: Sequence[str], *, quiet: bool) -> int:
    """How many of them ended without a result."""
    failed = 0
    with make_bar(len(submissions), "Judging", quiet=quiet) as bar:
        for submission in submissions:
            failed += client.submissions.wait(submission).state in UNJUDGED
            bar.update()
    return failed
