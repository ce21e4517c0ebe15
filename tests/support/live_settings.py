"""Settings of a portal that tests start as real processes: those of `make run`, with what tests need otherwise.

TEST_GATES and the others that are read here exist for tests alone: nobody turns them in a portal.
"""

import os

from portal.settings.development import *  # noqa: F403
from portal.settings.development import (
    CELERY_BEAT_SCHEDULE,
    CELERY_BROKER_TRANSPORT_OPTIONS,
    DERMAPORT_API_ACTIVE_PREDICTIONS,
    DERMAPORT_BATCH_SIZE,
    DERMAPORT_DEFAULT_MODEL,
    DERMAPORT_LEASE_SECONDS,
    DERMAPORT_RECONCILE_SECONDS,
    DERMAPORT_TASK_HARD_SECONDS,
    DERMAPORT_TASK_SOFT_SECONDS,
    DERMAPORT_VISIBILITY_SECONDS,
    REST_FRAMEWORK,
)


def read_seconds(name: str, default: int) -> int:
    return int(os.environ.get(f"TEST_{name}_SECONDS", default))


# People log in by the dozen, and what a password's hash is worth is asked elsewhere.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# One log-in serves a session of tests, and many of them ask for a token.
DERMAPORT_STEP_UP_MINUTES = 600
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = {"token": "1000/min"}

DERMAPORT_API_ACTIVE_PREDICTIONS = int(
    os.environ.get("TEST_API_ACTIVE_PREDICTIONS", DERMAPORT_API_ACTIVE_PREDICTIONS)
)
# A worker compiles its network for every size up to this one whenever it starts.
DERMAPORT_BATCH_SIZE = int(os.environ.get("TEST_BATCH_SIZE", DERMAPORT_BATCH_SIZE))
DERMAPORT_DEFAULT_MODEL = os.environ.get("TEST_DEFAULT_MODEL", DERMAPORT_DEFAULT_MODEL)
DERMAPORT_GATES = os.environ.get("TEST_GATES") != "0"

CELERY_TASK_SOFT_TIME_LIMIT = read_seconds("TASK_SOFT", DERMAPORT_TASK_SOFT_SECONDS)
CELERY_TASK_TIME_LIMIT = read_seconds("TASK_HARD", DERMAPORT_TASK_HARD_SECONDS)
CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] = read_seconds(
    "VISIBILITY", DERMAPORT_VISIBILITY_SECONDS
)
# Short enough to watch leases expire.
DERMAPORT_LEASE_SECONDS = read_seconds("LEASE", DERMAPORT_LEASE_SECONDS)
for entry in CELERY_BEAT_SCHEDULE.values():
    if entry["schedule"] == DERMAPORT_RECONCILE_SECONDS:
        seconds = read_seconds("RECONCILE", DERMAPORT_RECONCILE_SECONDS)
        entry |= {"schedule": seconds, "options": {"expires": seconds}}
DERMAPORT_RECONCILE_SECONDS = read_seconds("RECONCILE", DERMAPORT_RECONCILE_SECONDS)
