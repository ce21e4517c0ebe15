"""Signals, checks and resealers connect when Django starts: a module that nobody imports does nothing, unseen."""

import ast
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
CONNECTING = {"receiver", "register", "resealer", "connect"}


def name_of(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def find_connecting() -> list[str]:
    found = []
    for folder in ("portal", "classifier"):
        for path in sorted((PROJECT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text())
            names = {
                name_of(decorator)
                for node in tree.body
                if isinstance(node, ast.FunctionDef | ast.ClassDef)
                for decorator in node.decorator_list
            }
            imports = {
                alias.name
                for node in tree.body
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("django.core.checks")
                for alias in node.names
            }
            if names & (CONNECTING - {"register"}) or ("register" in names and imports):
                found.append(".".join(path.relative_to(PROJECT).with_suffix("").parts))
    return found


def test_whatever_connects_is_loaded_when_django_starts():
    modules = find_connecting()
    assert {"portal.trust.accounts.receivers", "portal.trust.audit.receivers"} <= set(modules)
    script = f"import django, sys; django.setup(); print([m for m in {modules!r} if m not in sys.modules])"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings.test"}
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    # The Celery application is loaded by workers, and connects itself there.
    assert ast.literal_eval(run.stdout.strip().splitlines()[-1]) in ([], ["portal.celery"])
