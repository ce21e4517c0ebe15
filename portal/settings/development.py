"""One machine: SQLite and Valkey in var/, reached from this machine only.

`make run` uses these settings. They show people the same pages as production does (DEBUG is
off), but speak plain HTTP and make their own secret.
"""

from portal.settings.base import *  # noqa: F403
from portal.settings.base import ALLOWED_HOSTS, DERMAPORT_ENCRYPTION_KEYS, HOST, env
from portal.settings.paths import VAR_DIR
from portal.settings.secret_key import read_or_create_secret

SECRET_KEY = env.text("SECRET_KEY") or read_or_create_secret(VAR_DIR / "secret_key")
# A file of its own beside it: who changes the site's secret must not lose the patients.
DERMAPORT_ENCRYPTION_KEYS = DERMAPORT_ENCRYPTION_KEYS or [read_or_create_secret(VAR_DIR / "encryption_key")]
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "localhost", "127.0.0.1", "[::1]"]
# Invented people in an invented clinic; DERMAPORT_DEMO=0 starts empty.
DERMAPORT_DEMO = env.switch("DERMAPORT_DEMO", default=True)
# The demo's people have a password only; the log-in page says so. DERMAPORT_DEMO=0 asks for more.
if DERMAPORT_DEMO:
    DERMAPORT_MFA_REQUIRED_ROLES = env.names("DERMAPORT_MFA_REQUIRED_ROLES")
# Developers receive webhooks on the machine that sends them, as long as nobody else reaches it.
DERMAPORT_WEBHOOK_LOOPBACK = HOST in {"127.0.0.1", "localhost", "::1"}
# Browsers allow passkeys on http://localhost, and nowhere else without TLS.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
