"""Template database: an empty SQLite database with every migration applied, made once and then copied.

To migrate takes longer than most modules take, and each process of a run and each running portal
needs a database of its own. The template lies in pytest's cache under the digest of all that may
change it, so that the next run finds it too.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / ".pytest_cache" / "databases"
# What names a database, a broker or a process of another run must not reach the one that migrates.
OTHERS = ("DATABASE_URL", "REDIS_URL", "PYTEST_XDIST_WORKER")


def copy_migrated(target: Path) -> None:
    """Put an empty, migrated database at `target`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    template = FOLDER / f"{digest_of_product()}.sqlite3"
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            for old in FOLDER.glob("*.sqlite3"):
                old.unlink()
            make_template(template)
    target.parent.mkdir(parents=True, exist_ok=True)
    for rest in ("-wal", "-shm"):
        target.with_name(target.name + rest).unlink(missing_ok=True)
    shutil.copyfile(template, target)


def digest_of_product() -> str:
    """Changes with the product's code and with the versions of what it stands on."""
    digest = hashlib.sha256()
    files = [path for folder in ("classifier", "portal") for path in (PROJECT / folder).rglob("*.py")]
    for path in sorted([*files, *(PROJECT / "requirements").glob("*.txt")]):
        digest.update(f"{path.relative_to(PROJECT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def make_template(template: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="dermaport-template-") as folder:
        environment = {name: value for name, value in os.environ.items() if name not in OTHERS}
        environment |= {"DJANGO_SETTINGS_MODULE": "portal.settings.test", "DERMAPORT_VAR": folder}
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0", "--no-input"],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"migrate:\n{done.stdout}\n{done.stderr}"
        # One whole file, without a write-ahead log beside it, and under its name only when it is whole.
        unfinished = template.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(Path(folder) / "db.sqlite3")) as connection:
            connection.execute("VACUUM INTO ?", (str(unfinished),))
        unfinished.replace(template)
