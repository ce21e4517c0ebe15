"""The client runs where nothing of the site is installed."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent

ALONE = """
import importlib, pathlib, sys

known = set(sys.modules)
for file in pathlib.Path("classifier/client").rglob("*.py"):
    if file.name != "__main__.py":
        importlib.import_module(".".join(file.with_suffix("").parts).removesuffix(".__init__"))
loaded = {name.partition(".")[0] for name in set(sys.modules) - known}
third = loaded - set(sys.stdlib_module_names) - {"classifier"}
others = {n for n in sys.modules if n.startswith("classifier.") and not n.startswith("classifier.client")}
print(sorted(others), sorted(third & {"django", "portal", "ml", "rest_framework", "celery", "numpy", "PIL"}))
"""


def test_client_loads_nothing_of_the_site():
    done = subprocess.run(
        [sys.executable, "-c", ALONE], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout.split("\n")[0]) == (0, "[] []"), done.stdout + done.stderr
