import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIGHT = [
    "ml",
    "ml.serving.specification",
    "ml.serving.calibration",
    "ml.serving.policy",
    "ml.serving.gating",
    "ml.serving.judging",
    "ml.serving.registration",
    "ml.evaluation.metrics",
    "ml.imaging.decoding",
    "ml.imaging.inputs",
    "ml.network_files.loading",
    "ml.gates.verdict",
    "ml.gates.network",
]


LOAD = """
import importlib, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
    heavy = sorted({'keras', 'tensorflow', 'h5py', 'jax', 'torch', 'django'} & set(sys.modules))
    assert not heavy, f"{module} loads {heavy}"
"""


def test_light_modules_load_no_keras():
    """One after the other in one process: what all together don't load, none loads."""
    command = [sys.executable, "-c", LOAD, *LIGHT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_only_device_and_version_code_names_a_backend():
    named = set()
    for path in (ROOT / "ml").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if any(name.split(".")[0] in ("tensorflow", "torch", "jax") for name in names):
                named.add(path.name)
    assert named == {"device.py", "hirescam.py", "release.py"}
