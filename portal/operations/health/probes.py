"""Health probes: one look at each part. A probe answers soon, never raises and never tells a secret."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from classifier.engine.serving import find_gate_problem
from portal.operations.health.heartbeat import SEEN_SECONDS, workers_seen

BROKER_SECONDS = 1.0
DISK_WARNING_BYTES = 1024**3


@dataclass(frozen=True)
class Probe:
    name: str
    ok: bool
    sentence: str
    advice: str = ""


def probe_database() -> Probe:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        return Probe(
            "database",
            ok=False,
            sentence=f"The database does not answer ({type(error).__name__}).",
            advice="Check that it runs and that DATABASE_URL names it. Nobody can work until it is back.",
        )
    return Probe("database", ok=True, sentence=f"The database answers ({connection.vendor}).")


def probe_migrations() -> Probe:
    try:
        executor = MigrationExecutor(connection)
        waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError as error:
        return Probe("migrations", ok=False, sentence=f"Could not be read ({type(error).__name__}).")
    if waiting:
        return Probe(
            "migrations",
            ok=False,
            sentence=f"{waiting} database changes of this version have not been made.",
            advice="Run manage.py migrate.",
        )
    return Probe("migrations", ok=True, sentence="The database matches this version.")


def probe_broker() -> Probe:
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://", 1)
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=BROKER_SECONDS,
            socket_connect_timeout=BROKER_SECONDS,
            retry=None,
        )
        try:
            client.ping()
        finally:
            client.close()
    except (redis.RedisError, OSError, ValueError) as error:
        return Probe(
            "broker",
            ok=False,
            sentence=f"The broker does not answer ({type(error).__name__}).",
            advice="Submissions are kept and wait; results come when it is back. Check that it runs "
            "and that REDIS_URL names it.",
        )
    return Probe("broker", ok=True, sentence="The broker answers.")


def probe_worker() -> Probe:
    try:
        workers = workers_seen()
    except DatabaseError as error:
        return Probe("worker", ok=False, sentence=f"Could not be read ({type(error).__name__}).")
    if not workers:
        return Probe(
            "worker",
            ok=False,
            sentence=f"No worker has been seen in the last {SEEN_SECONDS} seconds.",
            advice="Submissions are kept and wait. Start a worker: celery -A portal worker.",
        )
    names = ", ".join(worker.name for worker in workers)
    return Probe("worker", ok=True, sentence=f"{len(workers)} at work: {names}.")


def probe_gates() -> Probe:
    if not settings.DERMAPORT_GATES:
        return Probe(
            "gates",
            ok=False,
            sentence="The quality and domain gates are off: blurred photos and photos of anything else "
            "get a figure too.",
            advice="Set DERMAPORT_GATES to True in the settings module that turned it off, and restart the workers.",
        )
    problem = find_gate_problem()
    if problem:
        return Probe(
            "gates",
            ok=False,
            sentence=problem,
            advice="Put the shipped files back; until then submissions are kept and wait.",
        )
    return Probe("gates", ok=True, sentence="Quality and domain are checked before the model.")


def probe_disk() -> Probe:
    try:
        free = shutil.disk_usage(settings.VAR_DIR).free
    except OSError as error:
        return Probe("disk", ok=False, sentence=f"Could not be read ({type(error).__name__}).")
    gigabytes = f"{free / 1024**3:.1f} GB free where images are kept"
    if free < DISK_WARNING_BYTES:
        return Probe(
            "disk",
            ok=False,
            sentence=f"Only {gigabytes}.",
            advice="Make room: below 1 GB submissions may fail.",
        )
    return Probe("disk", ok=True, sentence=f"{gigabytes}.")
