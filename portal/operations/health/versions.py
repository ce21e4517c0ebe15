"""What runs here, read from the installed packages without importing them."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("Django", "celery", "kombu", "keras", "tensorflow-cpu", "tensorflow", "gunicorn")


def read_versions() -> list[tuple[str, str]]:
    found = [("Python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found
