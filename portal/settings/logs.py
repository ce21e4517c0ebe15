"""Logging: one line an event, JSON in production, opaque ids only.

Query strings are cut off: a search holds what a person typed, which may be a patient's name. Of a
path only what is ours is kept.
"""

from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from portal.trust.common.tracebacks import TaskErrors, format_traceback


def drop_query(_logger: Any, _name: str, event: EventDict) -> EventDict:
    request = event.get("request")
    if isinstance(request, str):
        # Late: the settings are read before there are addresses.
        from portal.trust.common.addresses import hide_words  # noqa: PLC0415

        method, _, path = request.split("?", 1)[0].partition(" ")
        event["request"] = f"{method} {hide_words(path)}"
    return event


def drop_questions(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """A page that asked who somebody is answers 403, and is no refusal to warn of."""
    if event.pop("asked_again", False) and event.get("event") == "request_finished":
        raise structlog.DropEvent
    return event


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    drop_questions,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    drop_query,
]


def configure_logging(*, as_json: bool) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING: both kinds of logger write the same lines.

    The level is no setting: on DEBUG the libraries below write tokens and whole requests.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            format_traceback,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                "foreign_pre_chain": [*SHARED, format_traceback],
            }
        },
        "filters": {"task_errors": {"()": TaskErrors}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["task_errors"]}
        },
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "django.server": {"level": "WARNING"},
            # A 404 or 403 is an answer, not an event for the operator; 5xx still shows.
            "django.request": {"level": "ERROR"},
            "django_structlog": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            # It would write whole addresses, whose queries may hold a word that opens something.
            "httpcore": {"level": "WARNING"},
            # A wake-up is no news; what it did is logged by the service it calls.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "PIL": {"level": "WARNING"},
            # Which letters a report needed is told by the first, those its typeface lacks by the second.
            "fontTools": {"level": "WARNING"},
            "fpdf": {"level": "ERROR"},
        },
    }
