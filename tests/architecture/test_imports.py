import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent

WEB = """
import django, sys
from portal.wsgi import application
from django.urls import get_resolver

def load(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            load(pattern)
        else:
            pattern.callback

load(get_resolver())
heavy = sorted({"tensorflow", "keras", "sklearn", "matplotlib"} & set(sys.modules))
assert not heavy, heavy
"""


def test_web_process_loads_no_network_library():
    """TensorFlow costs seconds and hundreds of megabytes; only the worker's child pays it."""
    done = subprocess.run(
        [sys.executable, "-c", WEB], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_import_contracts_hold():
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([program, "--no-cache"], cwd=PROJECT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
