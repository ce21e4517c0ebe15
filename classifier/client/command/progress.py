"""A bar on a terminal, and nothing where there is none."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from classifier.client.client import Client

UNJUDGED = frozenset({"no_result", "cancelled"})


def make_bar(total: int, words: str, *, quiet: bool) -> tqdm[Any]:
    return tqdm(total=total, unit="case", desc=words, file=sys.stderr, disable=True if quiet else None)


def wait_for(client: Client, submissions: Sequence[str], *, quiet: bool) -> int:
    """Wait for cases, one after the other, an hour at most for each; return how many ended without a
    result. The last one is no sooner done for being asked about first.
    """
    failed = 0
    with make_bar(len(submissions), "Judging", quiet=quiet) as bar:
        for submission in submissions:
            failed += client.submissions.wait(submission).state in UNJUDGED
            bar.update()
    return failed
