"""Make the data folder ready to serve; what is up to date already is left alone."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from portal.operations.stack.configuration import PROJECT, StackConfiguration, StackError
from portal.operations.stack.preconditions import full_disk_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator


def prepare(configuration: StackConfiguration) -> None:
    """Migrate, collect static files, register the shipped model and, once, make the demo."""
    os.environ.update(configuration.environment())
    with clear_sentences(configuration):
        import django  # noqa: PLC0415 - the environment comes first

        django.setup()
        from django.conf import settings  # noqa: PLC0415

        steps: list[tuple[str, Callable[[], None]]] = [
            ("Database", migrate),
            ("Static files", lambda: collect_static(configuration)),
            ("Model", register_models),
        ]
        if settings.DERMAPORT_DEMO:
            steps.append(("Demo data", create_demo))
        for label, step in steps:
            started = time.monotonic()
            print(f"{label} …", end=" ", flush=True)
            step()
            print(f"ready ({time.monotonic() - started:.1f} s)", flush=True)


@contextmanager
def clear_sentences(configuration: StackConfiguration) -> Iterator[None]:
    """Turn what a person can mend into a sentence; a bug stays a traceback."""
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import CommandError  # noqa: PLC0415
    from django.db import OperationalError  # noqa: PLC0415

    try:
        yield
    except (ImproperlyConfigured, CommandError) as error:
        raise StackError(str(error)) from error
    except OperationalError as error:
        if "disk is full" in str(error):
            raise StackError(full_disk_sentence(configuration, 0)) from error
        raise StackError(f"The database can't be used: {str(error).strip()}") from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise StackError(full_disk_sentence(configuration, 0)) from error


def migrate() -> None:
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)


def collect_static(configuration: StackConfiguration) -> None:
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    mark = configuration.run / "static.sha256"
    found = fingerprint_static(Path(folder) for folder in settings.STATICFILES_DIRS)
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if manifest.exists() and mark.exists() and mark.read_text() == found:
        return
    mark.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    mark.write_text(found)


def fingerprint_static(folders: Iterator[Path]) -> str:
    """One digest over our files and the locked packages, which bring theirs."""
    digest = hashlib.sha256(sys.version.encode())
    digest.update((PROJECT / "requirements" / "runtime.txt").read_bytes())
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                status = path.stat()
                digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def register_models() -> None:
    from django.core.management import call_command  # noqa: PLC0415

    call_command("register_models", verbosity=0, stdout=StringIO())


def create_demo() -> None:
    from django.core.management import call_command  # noqa: PLC0415

    call_command("create_demo", verbosity=0, stdout=StringIO())
