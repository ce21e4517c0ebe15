"""Local PostgreSQL and Redis for the tests, as Debian packages them, in one folder of their own.

.venv/bin/python deploy/services.py start [--folder var/services]
.venv/bin/python deploy/services.py stop
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 30.0
POSTGRES_USER = "postgres"


class ServicesError(Exception):
    """PostgreSQL or Redis can't be had here; the message says what to do."""


@dataclass(frozen=True)
class ServicesFolder:
    path: Path

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def redis(self) -> Path:
        return self.path / "redis"

    @property
    def environment(self) -> Path:
        return self.path / "environment"


def start(folder: ServicesFolder) -> int:
    """Start both on free loopback ports; write and print the two variables that name them."""
    if folder.environment.exists():
        raise ServicesError(
            f"Services already run in {folder.path}. "
            f"Stop them first: python deploy/services.py stop --folder {folder.path}"
        )
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.path.chmod(0o755)
    try:
        database_url = start_postgres(folder)
        redis_url = start_redis(folder)
    except BaseException:
        stop(folder)
        raise
    lines = f"export DATABASE_URL={database_url}\nexport REDIS_URL={redis_url}\n"
    folder.environment.write_text(lines)
    print(lines, end="", flush=True)
    return 0


def stop(folder: ServicesFolder) -> int:
    """Stop both and remove their files."""
    folder.environment.unlink(missing_ok=True)
    if (folder.postgres / "postmaster.pid").exists():
        stop_postgres(folder)
    number = folder.redis / "redis.pid"
    if number.exists():
        end_process(int(number.read_text()))
    for part in (folder.postgres, folder.redis):
        shutil.rmtree(part, ignore_errors=True)
    return 0


def end_process(number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGTERM)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            os.kill(number, 0)
            time.sleep(0.05)
        os.kill(number, signal.SIGKILL)


# --- PostgreSQL -----------------------------------------------------------------------------
def start_postgres(folder: ServicesFolder) -> str:
    programs = find_postgres() or install("postgresql", find_postgres)
    data, port = folder.postgres, free_port()
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        owner = pwd.getpwnam(POSTGRES_USER)
        os.chown(data, owner.pw_uid, owner.pw_gid)
    as_owner([programs / "initdb", "-D", data, "-U", POSTGRES_USER, "-A", "trust", "-E", "UTF8", "--no-sync"])
    # Durability is not tested here; everything else is as it will run.
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data} "
        "-c fsync=off -c synchronous_commit=off -c full_page_writes=off "
        # Tests side by side, some of them with fifty people at once.
        "-c max_connections=400"
    )
    as_owner([programs / "pg_ctl", "-D", data, "-w", "-l", data / "log", "-o", options, "start"])
    return f"postgres://{POSTGRES_USER}@127.0.0.1:{port}/postgres"


def stop_postgres(folder: ServicesFolder) -> None:
    programs = find_postgres()
    if programs:
        as_owner([programs / "pg_ctl", "-D", folder.postgres, "-w", "-m", "immediate", "stop"])


def find_postgres() -> Path | None:
    """The folder of the newest installed server's programs: Debian keeps them off the PATH."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    newest = max(found, key=lambda path: int(path.parent.name), default=None)
    on_path = shutil.which("initdb")
    return newest or (Path(on_path).resolve().parent if on_path else None)


def as_owner(command: list[object]) -> None:
    """Run as the postgres user where we are root: PostgreSQL refuses root."""
    line = [str(part) for part in command]
    user = {"user": POSTGRES_USER, "group": POSTGRES_USER, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(line, cwd="/", capture_output=True, text=True, check=False, **user)  # type: ignore[call-overload]  # the two that a user's switch needs
    if done.returncode:
        raise ServicesError(f"{line[0]} failed: {done.stderr.strip() or done.stdout.strip()}")


# --- Redis ----------------------------------------------------------------------------------
def start_redis(folder: ServicesFolder) -> str:
    program = find_redis() or install("redis-server", find_redis)
    folder.redis.mkdir(mode=0o700)
    port = free_port()
    command = [
        *(str(program), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder.redis)),
        *("--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"),
        *("--daemonize", "yes", "--pidfile", str(folder.redis / "redis.pid")),
        *("--logfile", str(folder.redis / "log")),
    ]
    subprocess.run(command, check=True, cwd=folder.redis)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return f"redis://127.0.0.1:{port}/0"
        time.sleep(0.05)
    raise ServicesError(f"Redis did not answer within {START_SECONDS:.0f} s; see {folder.redis / 'log'}.")


def find_redis() -> Path | None:
    found = shutil.which("redis-server")
    return Path(found) if found else None


# --- Packages -------------------------------------------------------------------------------
def install(package: str, find: Callable[[], Path | None]) -> Path:
    """Install Debian's package; its own service must not start beside ours."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ServicesError(f"{package} is not installed. As root: apt-get install {package}")
    print(f"Installing {package}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        subprocess.run(["apt-get", "update", "-q"], env=environment, check=False)
        subprocess.run(["apt-get", "install", "-y", "-q", package], env=environment, check=True)
    except subprocess.CalledProcessError as error:
        raise ServicesError(f"{package} could not be installed; the lines above say why.") from error
    finally:
        if ours:
            policy.unlink()
    found = find()
    if found is None:
        raise ServicesError(f"{package} was installed, but its program was not found.")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    parser = argparse.ArgumentParser(description="Local PostgreSQL and Redis for the tests.")
    parser.add_argument("action", choices=["start", "stop"])
    parser.add_argument("--folder", default="var/services", help="where they keep their files")
    options = parser.parse_args()
    folder = ServicesFolder(Path(options.folder).resolve())
    try:
        return start(folder) if options.action == "start" else stop(folder)
    except ServicesError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
