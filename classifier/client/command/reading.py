"""Commands that read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from classifier.client.batch import Journal
from classifier.client.client import Client
from classifier.client.command.progress import wait_for
from classifier.client.errors import ConfigurationError
from classifier.client.output import open_output, write_bytes, write_json, write_submissions
from classifier.client.records import Submission

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


def read_cases(client: Client, chosen: list[str], asked: argparse.Namespace) -> Iterator[Submission]:
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
