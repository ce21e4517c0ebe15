"""What the command takes. No token and no record number: the command line is everybody's to read."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import math
from collections.abc import Callable, Iterator
from pathlib import Path

from classifier.client.batch.mapping import ANSWERS, PictureKind, read_day
from classifier.client.command import acts, submitting
from classifier.client.output import FORMATS

EPILOG = """\
environment:
  DERMAPORT_URL            the portal, https://portal.example.org
  DERMAPORT_TOKEN          a token, dp_… or dpo_…
  DERMAPORT_TOKEN_FILE     or a file that holds one
  DERMAPORT_CLIENT_ID, DERMAPORT_CLIENT_SECRET, DERMAPORT_SCOPE
                           or OAuth 2 client credentials
  SSL_CERT_FILE            certificates of your own authority

exit status:
  0  all is done                        3  not logged in, or not allowed
  1  a case was refused, or failed      4  the portal didn't answer, or not in time
  2  wrong arguments or settings      130  stopped; the same command goes on
"""
KINDS = ("dermoscopic", "clinical", "overview")
PRIORITIES, SIDES = ("routine", "urgent"), ("left", "right", "midline", "unspecified")


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m classifier.client",
        description="Submit images of skin lesions to Dermaport and fetch what came of them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", default="", help="the portal, instead of DERMAPORT_URL")
    parser.add_argument("--token-file", type=Path, help="a file that holds a token")
    parser.add_argument(
        "--patience", type=read_seconds, default=600.0, help="seconds for the portal to come back (600)"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_submit(commands)
    add_reading(commands)
    add_acts(commands)
    return parser


Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def add(
    commands: Commands[argparse.ArgumentParser], name: str, run: Callable[..., int], words: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=words, description=words)
    parser.set_defaults(run=run)
    return parser


def add_submit(commands: Commands[argparse.ArgumentParser]) -> None:
    words = "submit files, or every image below folders; run it again to go on, nothing is sent twice"
    submit = add(commands, "submit", submitting.submit, words)
    submit.add_argument("paths", nargs="+", type=Path, metavar="FILE|FOLDER")
    submit.add_argument(
        "--mapping", type=Path, metavar="CSV", help="whose lesion each file of ONE folder shows"
    )
    submit.add_argument("--together", action="store_true", help="all files are one case")
    submit.add_argument("--patient", help="id of a known patient")
    submit.add_argument("--lesion", help="id of a known lesion")
    submit.add_argument("--clinic", help="id of the clinic, where you have several")
    submit.add_argument("--body-site", help="code of the site")
    submit.add_argument("--laterality", choices=SIDES)
    submit.add_argument(
        "--consent",
        choices=tuple(ANSWERS),
        help="what the patients of all these cases said of being judged by a model: nothing is presumed. "
        "It makes a known answer no other: leave it out where the portal has one, or record the new one first",
    )
    submit.add_argument(
        "--kind",
        action="append",
        type=read_kind,
        metavar="[FILE=]KIND[:TYPE]",
        help="dermoscopic, clinical or overview, of one file or of all; the model judges dermoscopic only",
    )
    submit.add_argument("--priority", choices=PRIORITIES)
    submit.add_argument(
        "--mrn-prefix", default="FOLDER-", help="of the numbers for files whose patient is not given"
    )
    submit.add_argument(
        "--journal", type=Path, help="what was sent; beside the first FILE or FOLDER unless named"
    )
    submit.add_argument("--parallel", type=read_parallel, default=2, help="cases sent at once, 1 to 8 (2)")
    submit.add_argument("--wait", action="store_true", help="wait for every result")
    submit.add_argument("--quiet", action="store_true", help="no progress bar")


def add_reading(commands: Commands[argparse.ArgumentParser]) -> None:
    wait = add(commands, "wait", acts.wait, "wait until cases have their results")
    add_chosen(wait)
    wait.add_argument("--quiet", action="store_true", help="no progress bar")
    results = add(commands, "results", acts.results, "fetch cases with their results")
    add_chosen(results)
    results.add_argument("--since", type=read_moment, help="cases submitted from this moment or day on")
    results.add_argument("--format", choices=FORMATS, default="json")
    results.add_argument("--with-mrn", action="store_true", help="record numbers in the CSV as well")
    add_output(results)
    show = add(commands, "show", acts.show, "show one case as JSON, with its ETag")
    show.add_argument("submission")
    report = add(commands, "report", acts.report, "the signed review as JSON, or the report as FHIR")
    report.add_argument("submission")
    report.add_argument("--fhir", action="store_true", help="the DiagnosticReport")
    add_output(report)
    image = add(commands, "image", acts.image, "save an image as JPEG")
    dicom = add(commands, "dicom", acts.dicom, "save an image as a DICOM file")
    for parser in (image, dicom):
        parser.add_argument("image")
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    dicom.add_argument("--identified", action="store_true", help="with record number and birth date")
    pdf = add(commands, "pdf", acts.pdf, "save the report of a case as PDF, signed or preliminary")
    pdf.add_argument("submission")
    pdf.add_argument("--output", type=Path, required=True, metavar="FILE")
    add(commands, "whoami", acts.whoami, "who the token is, and what it may")


def add_acts(commands: Commands[argparse.ArgumentParser]) -> None:
    cancel = add(commands, "cancel", acts.cancel, "withdraw a case that nobody has signed")
    cancel.add_argument("submission")
    cancel.add_argument(
        "--reason-file", type=Path, metavar="FILE", help="why, once there is a result; - for standard input"
    )
    acknowledge = add(commands, "acknowledge", acts.acknowledge, "say what was done about a signed order")
    acknowledge.add_argument("submission")
    acknowledge.add_argument("--done", required=True, help="referred, excised, biopsied, seen, …")
    acknowledge.add_argument("--on", type=read_day_told, metavar="YYYY-MM-DD", help="the day, if known")
    acknowledge.add_argument("--note-file", type=Path, metavar="FILE", help="where to; - for standard input")
    sign = add(commands, "sign", acts.sign, "sign the first review of a case (dermatologists)")
    sign.add_argument("submission")
    sign.add_argument("--diagnosis", required=True)
    sign.add_argument("--management", required=True)
    sign.add_argument("--agreement", help="deprecated and not used: it follows from the diagnosis")
    sign.add_argument("--comment-file", type=Path, metavar="FILE", help="a comment, - for standard input")
    sign.add_argument("--if-match", required=True, metavar="ETAG", help="as `show` printed it: what you read")
    outcome = add(commands, "outcome", acts.outcome, "record histopathology of a lesion")
    outcome.add_argument("lesion")
    outcome.add_argument("--diagnosis", required=True)
    outcome.add_argument("--procedure", required=True, choices=("biopsy", "shave", "excision"))
    outcome.add_argument("--taken", required=True, type=read_day_told, metavar="YYYY-MM-DD")
    outcome.add_argument("--reported", required=True, type=read_day_told, metavar="YYYY-MM-DD")
    outcome.add_argument("--breslow", type=float, metavar="MM", help="thickness of an invasive melanoma")


def add_chosen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("submissions", nargs="*", metavar="SUBMISSION")
    parser.add_argument("--journal", type=Path, help="the cases that `submit` noted there")


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, metavar="FILE", help="instead of standard output")


def read_seconds(text: str) -> float:
    with telling("a number of seconds"):
        seconds = float(text)
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError
    return seconds


def read_parallel(text: str) -> int:
    with telling("1 to 8"):
        number = int(text)
        if number not in range(1, 9):
            raise ValueError
    return number


def read_kind(text: str) -> tuple[str, PictureKind]:
    """`overview`, `where.jpg=overview` or `lesion.jpg=dermoscopic:contact_polarized`."""
    name, _, rest = text.rpartition("=")
    kind, _, lit = rest.partition(":")
    if kind not in KINDS:
        raise argparse.ArgumentTypeError(f"expected {', '.join(KINDS)}")
    return name, PictureKind(kind, lit)


def read_day_told(text: str) -> dt.date:
    with telling("a day, YYYY-MM-DD"):
        return read_day(text)


def read_moment(text: str) -> dt.datetime:
    with telling("a day or a moment, YYYY-MM-DD or YYYY-MM-DDTHH:MM"):
        read_day(text[:10])
        moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.astimezone()


@contextlib.contextmanager
def telling(expected: str) -> Iterator[None]:
    try:
        yield
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected {expected}") from None
