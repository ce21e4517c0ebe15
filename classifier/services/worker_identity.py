"""Who holds a claim, precisely enough to know that the holder is gone."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path


@cache
def host_id() -> str:
    """This machine and process-id namespace: two containers never take each other for dead."""
    try:
        namespace = str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        namespace = "0"
    return f"{socket.gethostname()[:80]}/{namespace}"


def worker_id() -> str:
    """The name under which this process claims."""
    return f"{host_id()}/{os.getpid()}"


def is_dead_neighbour(worker: str) -> bool:
    """True when `worker` ran on this machine and its process no longer exists.

    A wrong True costs an attempt and never a double answer: finishing is bound to the attempt.
    """
    host, _, pid = worker.rpartition("/")
    if host != host_id() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
