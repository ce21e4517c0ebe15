"""What the environment asks of the stack."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
DEFAULT_PORT = 8000


class StackError(Exception):
    """Something that a person must change; the message says what, in one sentence or two."""


@dataclass(frozen=True)
class StackConfiguration:
    var: Path
    host: str
    port: int
    broker_url: str | None
    """Set: a broker that somebody else runs. None: the stack's own Valkey."""
    processes: int = 1
    """Of the worker: one a GPU (DERMAPORT_GPUS), one without."""

    @classmethod
    def from_environment(cls) -> StackConfiguration:
        text = os.environ.get("PORT") or str(DEFAULT_PORT)
        if not text.isdigit() or not 0 < int(text) < 2**16:
            raise StackError(f"PORT: expected a number from 1 to 65535, received {text!r}.")
        gpus = os.environ.get("DERMAPORT_GPUS") or "1"
        if not gpus.isdigit():
            raise StackError(f"DERMAPORT_GPUS: expected a number, received {gpus!r}.")
        return cls(
            var=Path(os.environ.get("DERMAPORT_VAR") or PROJECT / "var").resolve(),
            host=os.environ.get("HOST") or "127.0.0.1",
            port=int(text),
            broker_url=os.environ.get("REDIS_URL") or None,
            processes=max(1, int(gpus)),
        )

    @property
    def run(self) -> Path:
        """Process numbers, locks and marks of this run."""
        return self.var / "run"

    @property
    def socket(self) -> Path:
        return self.var / "valkey.sock"

    @property
    def worker_ready(self) -> Path:
        return self.run / "worker.ready"

    @property
    def demo_log_ins(self) -> Path:
        """Written by create_demo: the password is drawn anew for each installation."""
        return self.var / "demo-log-ins.txt"

    @property
    def address(self) -> str:
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host
        return f"http://{host}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The environment of every program of the stack."""
        found = {
            "DJANGO_SETTINGS_MODULE": "portal.settings.development",
            **os.environ,
            "DERMAPORT_VAR": str(self.var),
            "HOST": self.host,
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
        }
        if self.broker_url is None:
            found["REDIS_URL"] = f"redis+socket://{self.socket}"
        return found
