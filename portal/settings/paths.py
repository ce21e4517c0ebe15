"""Where the project lies, and where it may write."""

from pathlib import Path

from portal.settings.environment import Environment

env = Environment("Database, broker, files")

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(
    env.text(
        "DERMAPORT_VAR",
        "data folder: database, images, the broker's socket",
        shown="`var`",
    )
    or BASE_DIR / "var"
).resolve()
