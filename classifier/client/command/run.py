"""Run one command, and end with a status that a script can go by."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from classifier.client.client import Client
from classifier.client.command.arguments import build_parser
from classifier.client.credentials import read_credentials, read_site_setting
from classifier.client.errors import (
    TOO_MANY,
    ApiError,
    ClientError,
    ConfigurationError,
    LostConnectionError,
    RetryPolicy,
    WaitTimeoutError,
)

DONE, REFUSED, MISUSED, UNKNOWN, UNANSWERED, STOPPED = 0, 1, 2, 3, 4, 130
NOT_ALLOWED = frozenset({401, 403})
SERVER = 500


def main(arguments: Sequence[str] | None = None) -> int:
    asked = build_parser().parse_args(arguments)
    try:
        site = read_site_setting(given=asked.url)
        credentials = read_credentials(token_file=asked.token_file)
        with Client(site, credentials, retries=RetryPolicy(patience=asked.patience)) as client:
            status: int = asked.run(client, asked)
            sys.stdout.flush()
            return status
    except KeyboardInterrupt:
        print_line("Stopped. Run the same command again to go on.")
        return STOPPED
    except BrokenPipeError:
        # Whoever read the output has had enough. What Python would still write goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except ClientError as error:
        print_line(describe(error))
        return status_of(error)
    except (OSError, UnicodeDecodeError) as error:
        name = f" {error.filename}" if isinstance(error, OSError) and error.filename else ""
        print_line(f"The file{name} can't be read or written ({getattr(error, 'strerror', 'not UTF-8')}).")
        return MISUSED


def status_of(error: ClientError) -> int:
    if isinstance(error, ConfigurationError):
        return MISUSED
    if isinstance(error, LostConnectionError | WaitTimeoutError):
        return UNANSWERED
    if isinstance(error, ApiError) and error.status in NOT_ALLOWED:
        return UNKNOWN
    if isinstance(error, ApiError) and (error.status == TOO_MANY or error.status >= SERVER):
        return UNANSWERED
    return REFUSED


def describe(error: ClientError) -> str:
    """Codes and fields. Of what the server says only what can't repeat a patient's word."""
    if isinstance(error, ApiError) and not error.fields and error.detail:
        return f"{error}: {error.detail}"
    return str(error)


def print_line(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - a command talks to a terminal
