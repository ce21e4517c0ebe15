"""Worker identity: who holds a claim, precisely enough to know that the holder is gone."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from django.db.models import QuerySet

PROC = Path("/proc")


@cache
def host_id() -> str:
    """Name this boot of this machine and this process-id namespace.

    Two machines of one name, and two containers of one machine, never take each other for dead.
    """
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]
        namespace = str((PROC / "self/ns/pid").stat().st_ino)
    except OSError:
        boot, namespace = "0", "0"
    return f"{socket.gethostname()[:60]}/{boot}/{namespace}"


def worker_id() -> str:
    """The name under which this process claims. Not cached: a forked child is somebody else."""
    return f"{host_id()}/{os.getpid()}.{read_start(os.getpid())}"


def read_start(pid: int) -> str:
    """When process `pid` started, in ticks since boot; empty when it does not run (any more).

    A process that ended and was not yet reaped by its parent counts as ended.
    """
    try:
        # The second field is the program's name in brackets and may hold spaces and brackets.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    state, start = fields[0], fields[19]
    return "" if state in {"Z", "X"} else start


def is_dead_neighbour(worker: str) -> bool:
    """True when `worker` ran on this machine and its process no longer exists.

    The start time tells a process from a later one that was given the same number, as happens
    at each restart of a container. A wrong True costs an attempt and never a double answer:
    finishing is bound to the claim.
    """
    host, _, process = worker.rpartition("/")
    pid, _, start = process.partition(".")
    if host != host_id() or not pid.isdigit() or not start:
        return False
    return read_start(int(pid)) != start


def list_dead_holders(running: QuerySet[Any]) -> list[str]:
    """Workers of this machine that hold claims in `running` and live no more."""
    workers = running.order_by().values_list("worker", flat=True).distinct()
    return [worker for worker in workers if is_dead_neighbour(worker)]
