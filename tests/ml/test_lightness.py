import ast
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_load_no_keras(module):
    code = (
        f"import sys, {module}; "
        "print(sorted({'keras', 'tensorflow', 'h5py', 'jax', 'torch', 'django'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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
