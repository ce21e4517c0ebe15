"""The whole portal as real processes on a folder of its own: web, worker, beat and broker.

    stack = LiveStack(folder)
    stack.start()
    stack.manage("create_demo")
    stack.kill("worker"); stack.wait_back("worker")
    stack.query("SELECT state, count(*) FROM classifier_prediction GROUP BY state")
    stack.stop()

The gates are off and the network is the paper's second, unless the test says otherwise by
`LiveStack(folder, TEST_GATES="1", TEST_DEFAULT_MODEL="…")`.
Its SQLite database is a copy of a migrated one; `LiveStack(folder, is_new=True)` migrates its own, as on
a new machine. With DATABASE_URL and REDIS_URL in the environment it uses a fresh PostgreSQL database and a Redis
database on those services instead of SQLite and its own Valkey.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import redis

from tests.support.commands import Commands
from tests.support.live_services import LiveServices
from tests.support.migrated_database import copy_migrated
from tests.support.ports import free_port

PROJECT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 240.0
STOP_SECONDS = 40.0


def wait_until_gone(processes: list[psutil.Process], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while alive := [process for process in processes if is_alive(process)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)


def is_alive(process: psutil.Process) -> bool:
    """A zombie has ended; init alone decides when it is taken off the list."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class LiveStack:
    """Names of processes: "web", "worker", "worker-child", "beat", "broker"."""

    def __init__(self, var: Path, *, is_new: bool = False, **environment: str) -> None:
        self.var = var
        self.is_new = is_new
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.services = LiveServices.from_environment()
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.support.live_settings",
            "DERMAPORT_VAR": str(var),
            "DERMAPORT_DEMO": "0",
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "DERMAPORT_LOGIN_RATE": "1000/m/ip",
            "DERMAPORT_MFA_REQUIRED_ROLES": "",
            # Spots drawn in a moment pass no gate, and the small network answers faster.
            "TEST_GATES": "0",
            "TEST_DEFAULT_MODEL": "paper-cnn-2",
            **environment,
        }
        self.log = var / "stack.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._commands: Commands | None = None

    # --- Life ---------------------------------------------------------------------------------
    def start(self) -> None:
        """Start everything; return once the web answers and the worker is ready."""
        self.var.mkdir(parents=True, exist_ok=True)
        if self.services:
            self.env.update(self.services.create())
        elif not self.is_new and not self.database.exists():
            copy_migrated(self.database)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "portal.operations.stack", "run"],
                cwd=PROJECT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while "Dermaport is ready" not in self.read_log():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"The stack did not start:\n{self.read_log()[-6000:]}")
            time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ask the supervisor to stop, by this signal, and wait until it and all that it started have ended."""
        if self._commands:
            self._commands.stop()
            self._commands = None
        process = self._process
        if process is None:
            return
        was_running, children = process.poll() is None, []
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            children = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None
        if self.services:
            self.services.drop()
        wait_until_gone(children)
        if was_running and number == signal.SIGTERM:
            assert sorted(path.name for path in (self.var / "run").glob("*.pid")) == []

    @property
    def database(self) -> Path:
        return self.var / "db.sqlite3"

    def broker(self) -> redis.Redis:
        """A connection to this stack's broker."""
        if self.services:
            return redis.Redis.from_url(self.services.redis_url)
        return redis.Redis(unix_socket_path=str(self.var / "valkey.sock"))

    def read_log(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def supervisor(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    # --- Faults -------------------------------------------------------------------------------
    def pid(self, name: str) -> int:
        """The number of the running process `name`; LookupError while it is away."""
        if name == "worker-child":
            children = psutil.Process(self.pid("worker")).children()
            if not children:
                raise LookupError(name)
            return children[0].pid
        file = self.var / "run" / f"{'valkey' if name == 'broker' else name}.pid"
        try:
            return int(file.read_text())
        except (FileNotFoundError, ValueError):
            raise LookupError(name) from None

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send SIGKILL to `name`; its keeper starts it again. Returns the number it had."""
        if name == "broker" and self.services:
            self.services.break_broker()
            return 0
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def wait_back(self, name: str, old: int, seconds: float = 60.0) -> int:
        """Wait until `name` runs again under another number than `old`; return that."""
        if name == "broker" and self.services:
            return 0
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(LookupError, psutil.NoSuchProcess):
                if (pid := self.pid(name)) != old or old == 0:
                    return pid
            time.sleep(0.05)
        raise AssertionError(f"{name} did not come back in {seconds:.0f} s:\n{self.read_log()[-4000:]}")

    def wait_ready(self, seconds: float = 60.0) -> None:
        """Wait until the portal itself says that it is ready."""
        deadline = time.monotonic() + seconds
        while True:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"{self.url}/health/ready", timeout=5) as answer,
            ):
                if b'"ready"' in answer.read():
                    return
            assert time.monotonic() < deadline, self.read_log()[-4000:]
            time.sleep(0.1)

    def restart(self, name: str) -> int:
        """End `name` as an operator would (SIGTERM) and wait for the next one."""
        return self.wait_back(name, self.kill(name, signal.SIGTERM))

    # --- Data ---------------------------------------------------------------------------------
    def manage(self, *arguments: object) -> str:
        """Run a management command on this stack's data, after its start; return what it printed."""
        self._commands = self._commands or Commands(self.env)
        status, written, errors = self._commands.run(*arguments)
        assert status == 0, f"manage.py {arguments}:\n{written}\n{errors}"
        return written

    def query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Read from this stack's database; parameters are written %s."""
        if self.services:
            return self.services.query(sql, parameters)
        import sqlite3

        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as connection:
            return connection.execute(sql.replace("%s", "?"), parameters).fetchall()
