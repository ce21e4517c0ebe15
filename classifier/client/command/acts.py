"""Commands that change something."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from classifier.client.client import Client
from classifier.client.output import write_json


def cancel(client: Client, asked: argparse.Namespace) -> int:
    case = client.submissions.cancel(asked.submission, reason=read_text(asked.reason_file))
    write_json(sys.stdout, {"state": case.state})
    return 0


def acknowledge(client: Client, asked: argparse.Namespace) -> int:
    case = client.submissions.acknowledge(
        asked.submission, asked.done, done_on=asked.on, note=read_text(asked.note_file)
    )
    write_json(sys.stdout, {"order": case.order})
    return 0


def sign(client: Client, asked: argparse.Namespace) -> int:
    if asked.agreement is not None:
        # Scripts of before it was computed go on, and are told.
        note = "--agreement is not used any more: the portal works it out from the diagnosis."
        print(note, file=sys.stderr)  # noqa: T201 - a command talks to a terminal
    review = client.reviews.sign(
        asked.submission,
        diagnosis=asked.diagnosis,
        management=asked.management,
        comment=read_text(asked.comment_file),
        if_match=asked.if_match,
    )
    write_json(sys.stdout, {"review": review.id, "signed_at": review.signed_at})
    return 0


def outcome(client: Client, asked: argparse.Namespace) -> int:
    made = client.outcomes.record(
        asked.lesion,
        diagnosis=asked.diagnosis,
        procedure=asked.procedure,
        specimen_taken_on=asked.taken,
        reported_on=asked.reported,
        breslow_mm=asked.breslow,
    )
    write_json(sys.stdout, {"outcome": made.id, "recorded_at": made.recorded_at})
    return 0


def read_text(path: Path | None) -> str | None:
    """Free text comes from a file: on the command line it would stand in the list of processes."""
    if path is None:
        return None
    return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
