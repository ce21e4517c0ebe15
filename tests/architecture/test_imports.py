"""What may be loaded where. (The import contracts: `make lint`.)"""

import re
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


CHECK = """
import io, os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.test")
import django
django.setup()
from django.test import override_settings
from PIL import Image
from classifier.engine.serving import check_image
from classifier.intake import inspect_image
from classifier.domain.limits import UploadLimits

target = io.BytesIO()
Image.new("RGB", (300, 300), (200, 150, 130)).save(target, "PNG")
with override_settings(DERMAPORT_GATES=True):
    taken = inspect_image(target.getvalue(), "photo.png", UploadLimits())
assert taken.quality["verdict"] == "check", taken.quality
assert check_image(target.getvalue(), (3000, 3000)).state == "refused"
assert "openvino" in sys.modules
heavy = sorted({"tensorflow", "keras", "sklearn", "scipy", "matplotlib", "h5py"} & set(sys.modules))
assert not heavy, heavy
"""


def test_gates_run_in_the_web_process_without_a_network_library():
    done = subprocess.run(
        [sys.executable, "-c", CHECK], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_nothing_imports_what_a_library_keeps_to_itself():
    """allauth changes its `internal` packages without a word: its public ones, or a few lines of ours."""
    private = re.compile(r"^\s*(from|import)\s+allauth(\.\w+)*\.internal\b", re.MULTILINE)
    files = [
        path for folder in ("portal", "classifier", "tests") for path in (PROJECT / folder).rglob("*.py")
    ]

    assert len(files) > 100
    assert [str(path) for path in files if private.search(path.read_text())] == []
