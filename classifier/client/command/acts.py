"""Commands of the client: withdraw, acknowledge, sign, record; wait and read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from classifier.client.batch import Journal
from classifier.client.client import Client
from classifier.client.errors import ConfigurationError
from classifier.client.output import open_output, write_bytes, write_json, write_submissions
from classifier.client.records import SubmissionRecord


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


# --- Progress bar -------------------------------------------------------------------------------


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


# --- Commands that read -------------------------------------------------------------------------


SIGNED = frozenset({"final", "amended"})


def list_chosen(client: Client, asked: argparse.Namespace) -> list[str]:
    """The cases that were named, and those of the journal."""
    noted: list[str] = []
    if asked.journal is not None:
        if not asked.journal.exists():
            raise ConfigurationError(f"There is no journal {asked.journal}.")
        with Journal(asked.journal, client.connection.site) as journal:
            noted = journal.submissions()
    return list(dict.fromkeys([*asked.submissions, *noted]))


def wait(client: Client, asked: argparse.Namespace) -> int:
    chosen = list_chosen(client, asked)
    if not chosen:
        raise ConfigurationError("Name the cases to wait for, or a journal.")
    return 1 if wait_for(client, chosen, quiet=asked.quiet) else 0


def results(client: Client, asked: argparse.Namespace) -> int:
    chosen = list_chosen(client, asked)
    if chosen and asked.since:
        raise ConfigurationError("Name cases, a journal or a moment, not both.")
    with open_output(asked.output) as stream:
        write_submissions(stream, read_cases(client, chosen, asked), asked.format, with_mrn=asked.with_mrn)
    return 0


def read_cases(client: Client, chosen: list[str], asked: argparse.Namespace) -> Iterator[SubmissionRecord]:
    if chosen:
        return (client.submissions.get(one) for one in chosen)
    if asked.since is None:
        if asked.journal is not None:
            return iter(())
        raise ConfigurationError("Say which cases: by id, --journal or --since.")
    return client.submissions.list(submitted_from=asked.since, ordering="submitted_at")


def show(client: Client, asked: argparse.Namespace) -> int:
    write_json(sys.stdout, client.submissions.get(asked.submission))
    return 0


def report(client: Client, asked: argparse.Namespace) -> int:
    """1 where nobody has signed: what the model says is no report."""
    if asked.fhir:
        found: Any = client.reports.read(asked.submission)
        is_signed = found.get("status") in SIGNED
    else:
        found = next(client.reviews.list(submission=asked.submission, is_current=True), None)
        is_signed = found is not None
    with open_output(asked.output) as stream:
        write_json(stream, found)
    return 0 if is_signed else 1


def image(client: Client, asked: argparse.Namespace) -> int:
    write_bytes(asked.output, client.images.derivative(asked.image))
    return 0


def dicom(client: Client, asked: argparse.Namespace) -> int:
    naming = "identified" if asked.identified else "pseudonymous"
    write_bytes(asked.output, client.images.dicom(asked.image, patient=naming))
    return 0


def pdf(client: Client, asked: argparse.Namespace) -> int:
    write_bytes(asked.output, client.reports.pdf(asked.submission))
    return 0


def whoami(client: Client, asked: argparse.Namespace) -> int:  # noqa: ARG001 - as every command
    write_json(sys.stdout, client.me())
    return 0
