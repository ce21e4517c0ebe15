"""Tracebacks for logs: where it happened and what kind of error, without what it said.

The message of an exception often quotes the value that broke something ("Key (mrn)=(…) already
exists", "invalid literal for int(): …"), and that value may be a patient's. Frames show source
lines only, never local variables.
"""

import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from structlog.typing import EventDict

WITHHELD = "(message withheld: it may quote a patient's data)"
# These speak of files, hosts and names in the code, never of values that people sent.
PLAIN_SPOKEN = (OSError, ImportError, AttributeError, NameError, NotImplementedError, MemoryError)
PLAIN_SPOKEN_NAMES = {"ImproperlyConfigured", "InterfaceError", "OperationalError", "ProgrammingError"}
LONGEST_CHAIN = 10


def format_traceback(_: Any, __: str, event: EventDict) -> EventDict:
    """Structlog processor: turn `exc_info` into the text under `exception`."""
    found = event.pop("exc_info", None)
    if isinstance(found, tuple):
        found = found[1]
    elif found and not isinstance(found, BaseException):
        found = sys.exc_info()[1]
    if isinstance(found, BaseException):
        event["exception"] = "".join(describe_chain(found)).rstrip()
    return event


def name_error(error: BaseException) -> str:
    """The kind of error, with its message where that is safe to keep."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    is_plain = isinstance(error, PLAIN_SPOKEN) or kind.__name__ in PLAIN_SPOKEN_NAMES
    return f"{name}: {error if is_plain else WITHHELD}"


def describe_chain(error: BaseException) -> Iterator[str]:
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and len(chain) < LONGEST_CHAIN:
        chain.append(step)
        step = step.__cause__ or (None if step.__suppress_context__ else step.__context__)
    for number, link in enumerate(reversed(chain)):
        if number:
            yield "\nwhich led to\n\n"
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_list(traceback.extract_tb(link.__traceback__))
        yield name_error(link) + "\n"


class TaskErrors(logging.Filter):
    """Celery writes an exception and its traceback into the message itself: take them out."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, Mapping) and "exc" in record.args:
            error = record.exc_info[1] if record.exc_info else None
            kind = name_error(error) if error else WITHHELD
            record.args = {**record.args, "exc": kind, "traceback": "", "args": "", "kwargs": ""}
        return True
