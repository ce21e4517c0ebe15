"""Template database: an empty database with every migration applied, made once and then copied.

To migrate takes longer than most modules take, and each process of a run and each running portal
needs a database of its own. SQLite's template lies in pytest's cache under the digest of the code that
migrations load, so that the next run finds it too; PostgreSQL's is a database of that name. Run as a
module, this makes what of it is missing.
"""

import contextlib
import fcntl
import functools
import hashlib
import json
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
LOADED = FOLDER / "loaded.json"
"""The product's files that the last migration loaded."""
# What names a database, a broker or a process of another run must not reach the one that migrates.
REQUIREMENTS = sorted(
    path.relative_to(PROJECT).as_posix() for path in (PROJECT / "requirements").glob("*.txt")
)
# Called so, the command leaves out the system checks, which would load every view.
MIGRATE = """
import json, pathlib, sys, django
from django.core.management import call_command
django.setup()
call_command("migrate", verbosity=0, interactive=False)
paths = [pathlib.Path(found) for module in list(sys.modules.values()) if (found := getattr(module, "__file__", ""))]
folders = [pathlib.Path(sys.argv[1], name) for name in ("classifier", "ml", "portal")]
own = [path for path in paths if any(path.is_relative_to(folder) for folder in folders)]
print(json.dumps(sorted({path.relative_to(sys.argv[1]).as_posix() for path in own})))
"""
OTHERS = ("DATABASE_URL", "REDIS_URL", "PYTEST_XDIST_WORKER")


def copy_migrated(target: Path) -> None:
    """Put an empty, migrated SQLite database at `target`."""
    with one_at_a_time():
        template = make_template()
    target.parent.mkdir(parents=True, exist_ok=True)
    for rest in ("-wal", "-shm"):
        target.with_name(target.name + rest).unlink(missing_ok=True)
    shutil.copyfile(template, target)


def create_migrated(server: str, name: str) -> None:
    """Create an empty, migrated PostgreSQL database `name` on this server, in place of one that is there."""
    with one_at_a_time(), psycopg.connect(server, autocommit=True) as connection:
        template = make_template_on(server, connection)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_template() -> Path:
    """Make the SQLite database to copy unless it is there; returns where it lies. Behind `one_at_a_time`."""
    if (known := FOLDER / f"{digest_of_migrations()}.sqlite3").exists():
        return known
    for old in FOLDER.glob("*.sqlite3"):
        old.unlink()
    with tempfile.TemporaryDirectory(prefix="dermaport-template-") as folder:
        migrate(DERMAPORT_VAR=folder)
        template = FOLDER / f"{digest_of_migrations()}.sqlite3"
        # One whole file, without a write-ahead log beside it, and under its name only when it is whole.
        unfinished = template.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(Path(folder) / "db.sqlite3")) as connection:
            connection.execute("VACUUM INTO ?", (str(unfinished),))
        return unfinished.replace(template)


def make_template_on(server: str, connection: psycopg.Connection) -> str:
    """As `make_template`, on PostgreSQL; returns the name of the database to copy."""
    template = f"dermaport_{digest_of_migrations()[:16]}"
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template]).fetchone():
        return template
    unfinished = f"{template}_unfinished"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    connection.execute(drop.format(sql.Identifier(unfinished)))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
    migrate(DATABASE_URL=urlsplit(server)._replace(path=f"/{unfinished}").geturl())
    template = f"dermaport_{digest_of_migrations()[:16]}"
    connection.execute(drop.format(sql.Identifier(template)))
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    connection.execute(rename.format(sql.Identifier(unfinished), sql.Identifier(template)))
    return template


def digest_of_migrations() -> str:
    """Changes with the code that migrations load, and with the versions of what it stands on.

    Of views, forms and reports none is loaded: a change there makes no database anew. A migration that is
    new was loaded by none, and counts by its place.
    """
    hashes = hash_product()
    loaded = json.loads(LOADED.read_text()) if LOADED.exists() else list(hashes)
    new = [name for name in hashes if name.endswith("/apps.py") or "/migrations/" in name]
    digest = hashlib.sha256()
    for name in sorted({*loaded, *new, *REQUIREMENTS}):
        digest.update(f"{name}\0{hashes.get(name, '')}\0".encode())
    return digest.hexdigest()


@functools.cache
def hash_product() -> dict[str, str]:
    """The product's files, and those that name the versions of what it stands on, as this process found them."""
    files = [path for folder in ("classifier", "ml", "portal") for path in (PROJECT / folder).rglob("*.py")]
    names = [*REQUIREMENTS, *(path.relative_to(PROJECT).as_posix() for path in files)]
    return {name: hashlib.sha256((PROJECT / name).read_bytes()).hexdigest() for name in names}


def migrate(**given: str) -> None:
    """Apply every migration to the database that `given` names, and note what of the product that loads."""
    hash_product()
    environment = {name: value for name, value in os.environ.items() if name not in OTHERS}
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE, str(PROJECT)],
        cwd=PROJECT,
        env={**environment, "DJANGO_SETTINGS_MODULE": "portal.settings.test", **given},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"migrate:\n{done.stdout}\n{done.stderr}"
    LOADED.write_text(done.stdout)


if __name__ == "__main__":
    with one_at_a_time():
        make_template()
