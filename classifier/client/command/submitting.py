"""`submit`."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections import Counter
from pathlib import Path

from classifier.client.batch import Case, Journal, Sent, find_cases, read_mapping, submit_cases
from classifier.client.client import Client
from classifier.client.command.acts import make_bar, wait_for
from classifier.client.errors import ConfigurationError

WORDED = ("images", "consents_to_inference")
FACTS = ("patient", "lesion", "clinic", "body_site", "laterality", "priority")


def submit(client: Client, asked: argparse.Namespace) -> int:
    cases = choose_cases(asked)
    with Journal(asked.journal or place_journal(asked.paths[0]), client.connection.site) as journal:
        sent = send(client, cases, journal, asked)
    count = Counter(one.verdict for one in sent)
    print(  # noqa: T201 - a command talks to a terminal
        f"{count['submitted']} submitted, {count['known']} submitted before, {count['refused']} refused.",
        file=sys.stderr,
    )
    ids = [one.submission for one in sent if one.submission]
    print(*ids, sep="\n", end="\n" if ids else "", flush=True)  # noqa: T201
    failed = wait_for(client, ids, quiet=asked.quiet) if asked.wait else 0
    return 1 if count["refused"] or failed else 0


def choose_cases(asked: argparse.Namespace) -> list[Case]:
    facts = {name: getattr(asked, name) for name in FACTS if getattr(asked, name)}
    if asked.consent:
        facts["consents_to_inference"] = asked.consent
    kinds = dict(asked.kind or [])
    if asked.mapping is None:
        return find_cases(asked.paths, facts, together=asked.together, kinds=kinds)
    if facts or kinds or asked.together or len(asked.paths) != 1 or not asked.paths[0].is_dir():
        raise ConfigurationError("With a mapping, name one folder and leave the rest to the mapping.")
    return read_mapping(asked.mapping, asked.paths[0])


def place_journal(path: Path) -> Path:
    """Beside the folder or file, so that a folder that is only read stays as it is."""
    whole = path.resolve()
    return whole.with_name(f".{whole.name}.dermaport.jsonl")


def send(client: Client, cases: list[Case], journal: Journal, asked: argparse.Namespace) -> list[Sent]:
    sent: list[Sent] = []
    results = submit_cases(client, cases, journal, parallel=asked.parallel, mrn_prefix=asked.mrn_prefix)
    with (
        contextlib.closing(results) as rest,  # type: ignore[type-var] # a generator
        make_bar(len(cases), "Submitting", quiet=asked.quiet) as bar,
    ):
        try:
            for one in rest:
                sent.append(one)
                if one.verdict == "refused":
                    bar.write(f"{one.case.name}: {explain(one)}", file=sys.stderr)
                bar.update()
        except KeyboardInterrupt:
            # Before the generator is closed, which waits for those that pause.
            client.connection.stop()
            raise
    return sent


def explain(one: Sent) -> str:
    """The reason in codes, and in words where they are about an image or the consent: those name no patient."""
    if one.error is None:
        return one.code
    words = [field.detail for field in one.error.fields if field.field.startswith(WORDED)]
    return " ".join([str(one.error), *words])
