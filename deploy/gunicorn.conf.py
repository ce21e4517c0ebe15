"""Gunicorn for one machine and for many. HOST, PORT, WEB_CONCURRENCY and WEB_THREADS change it."""

import os
from pathlib import Path
from typing import Any

from portal.stack.keeper import end_with_parent

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
preload_app = True
timeout = 60
graceful_timeout = 5
keepalive = 5
control_socket_disable = True
# Workers show that they live by touching a file: in memory, so that a slow disk kills none.
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of unnamed files
worker_tmp_dir = str(MEMORY) if MEMORY.is_dir() else None
# The portal logs its own requests, without query strings; this log would hold them.
accesslog = None
loglevel = "warning"


def post_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - the names are gunicorn's
    end_with_parent()
