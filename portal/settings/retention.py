"""When retention policies that run by themselves erase."""

from celery.schedules import ParseException, crontab
from django.core.exceptions import ImproperlyConfigured

from portal.settings.environment import Environment

env = Environment("Privacy and audit log")

# Hours as cron writes them, on the clinic's clock. Each later one goes on where a run was killed.
DERMAPORT_RETENTION_HOURS = env.text(
    "DERMAPORT_RETENTION_HOURS",
    "hours of the night, as cron writes them, in which retention policies that run by themselves erase",
    default="1-4",
)
try:
    RETENTION_SCHEDULE = crontab(minute=15, hour=DERMAPORT_RETENTION_HOURS)
except (ParseException, ValueError) as error:
    raise ImproperlyConfigured(
        "DERMAPORT_RETENTION_HOURS: expected hours as cron writes them, such as 1-4, "
        f"received {DERMAPORT_RETENTION_HOURS!r}."
    ) from error
