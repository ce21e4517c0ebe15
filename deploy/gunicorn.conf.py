"""Gunicorn for one machine and for many. HOST, PORT, WEB_CONCURRENCY and WEB_THREADS change it."""

from pathlib import Path
from typing import Any

from gunicorn.http import parser

from portal.operations.stack.keeper import end_with_parent
from portal.settings.serving import HOST, PORT, WEB_CONCURRENCY, WEB_THREADS

bind = f"{HOST}:{PORT}"
worker_class = "gthread"
workers = WEB_CONCURRENCY
threads = WEB_THREADS
preload_app = True
timeout = 60
graceful_timeout = 5
keepalive = 5
control_socket_disable = True
# The next page of a FHIR search that was posted has its many identifiers, sealed, in the address: the most that
# gunicorn knows (classifier/fhir/search.py).
limit_request_line = 8190
# Whoever is refused before their pictures were read (a wrong token, too many calls) was promised that
# the connection goes on: what they still send is read, ten pictures of 25 MB at most and for five
# seconds at most. Gunicorn stops after 64 KB, and the next request would meet a closed connection.
parser._DRAIN_MAX_BYTES = 256 * 1024 * 1024  # noqa: SLF001 - there is no setting for it
# Workers show that they live by touching a file: in memory, so that a slow disk kills none.
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of unnamed files
worker_tmp_dir = str(MEMORY) if MEMORY.is_dir() else None
# The portal logs its own requests, without query strings; this log would hold them.
accesslog = None
loglevel = "warning"


def post_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - the names are gunicorn's
    end_with_parent()
