"""Small files on which the product once was wrong, where they are; they are no part of the project."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("DERMAPORT_DATA", "../shared/data")) / "inputs"
needs_inputs = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared inputs (DERMAPORT_DATA) are not on this machine"
)
