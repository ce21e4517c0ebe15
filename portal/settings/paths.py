"""Where the project lies, and where it may write."""

from pathlib import Path

import environ

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(env.str("DERMAPORT_VAR", default=str(BASE_DIR / "var"))).resolve()
