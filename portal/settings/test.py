"""The test suite: its own throw-away var/, or the services that the environment names."""

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path

if "DERMAPORT_VAR" not in os.environ:
    _var = tempfile.mkdtemp(prefix="dermaport-test-")
    os.environ["DERMAPORT_VAR"] = _var
    atexit.register(shutil.rmtree, _var, ignore_errors=True)

# Tests that run side by side each have a folder of their own; what they start finds the same one.
if (_worker := os.environ.get("PYTEST_XDIST_WORKER")) and Path(os.environ["DERMAPORT_VAR"]).name != _worker:
    os.environ["DERMAPORT_VAR"] = str(Path(os.environ["DERMAPORT_VAR"]) / _worker)

from portal.settings.base import *  # noqa: F403
from portal.settings.base import DATABASES, STORAGES
from portal.settings.paths import VAR_DIR
from portal.settings.secret_key import read_or_create_secret

(VAR_DIR / "static").mkdir(parents=True, exist_ok=True)
SECRET_KEY = secrets.token_urlsafe(64)
# Shared with the processes that a test starts.
DERMAPORT_ENCRYPTION_KEYS = [read_or_create_secret(VAR_DIR / "encryption_key")]
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
DERMAPORT_DEMO = True
# Most tests are about something else: those about a second factor, confirmation and idleness ask for them.
DERMAPORT_MFA_REQUIRED_ROLES = []
DERMAPORT_STEP_UP_MINUTES = 0
DERMAPORT_IDLE_MINUTES = 0
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
# Most tests judge spots drawn in a moment, which are no dermoscopic images: those about the gates
# turn them on, and the running stack has them on.
DERMAPORT_GATES = False
# Small and fast, and its outcomes are known. One acceptance test takes the real default.
DERMAPORT_DEFAULT_MODEL = "paper-cnn-2"

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: claims and locks are tested as they will run.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=OFF;PRAGMA foreign_keys=ON;"
    )

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
