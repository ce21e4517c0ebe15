"""Template database: an empty database with every migration applied, made once and then copied.

To migrate takes longer than most modules take, and each process of a run and each running portal
needs a database of its own. SQLite's template lies in pytest's cache under the digest of all that may
change it, so that the next run finds it too; PostgreSQL's is a database of that name.
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
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / ".pytest_cache" / "databases"
# What names a database, a broker or a process of another run must not reach the one that migrates.
OTHERS = ("DATABASE_URL", "REDIS_URL", "PYTEST_XDIST_WORKER")


def copy_migrated(target: Path) -> None:
    """Put an empty, migrated SQLite database at `target`."""
    template = FOLDER / f"{digest_of_product()}.sqlite3"
    with one_at_a_time():
        if not template.exists():
            for old in FOLDER.glob("*.sqlite3"):
                old.unlink()
            make_template(template)
    target.parent.mkdir(parents=True, exist_ok=True)
    for rest in ("-wal", "-shm"):
        target.with_name(target.name + rest).unlink(missing_ok=True)
    shutil.copyfile(template, target)


def create_migrated(server: str, name: str) -> None:
    """Create an empty, migrated PostgreSQL database `name` on this server, in place of one that is there."""
    template = f"dermaport_{digest_of_product()[:16]}"
    with one_at_a_time(), psycopg.connect(server, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template])
        if not known.fetchone():
            unfinished = f"{template}_unfinished"
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(unfinished)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
            migrate(DATABASE_URL=urlsplit(server)._replace(path=f"/{unfinished}").geturl())
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(rename.format(sql.Identifier(unfinished), sql.Identifier(template)))
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
        migrate(DERMAPORT_VAR=folder)
        # One whole file, without a write-ahead log beside it, and under its name only when it is whole.
        unfinished = template.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(Path(folder) / "db.sqlite3")) as connection:
            connection.execute("VACUUM INTO ?", (str(unfinished),))
        unfinished.replace(template)


def migrate(**given: str) -> None:
    """Apply every migration to the database that `given` names."""
    environment = {name: value for name, value in os.environ.items() if name not in OTHERS}
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0", "--no-input"],
        cwd=PROJECT,
        env={**environment, "DJANGO_SETTINGS_MODULE": "portal.settings.test", **given},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"migrate:\n{done.stdout}\n{done.stderr}"
