"""Working days: Saturdays and Sundays don't count. Public holidays are not known here."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

SATURDAY = 5
WORKING_DAYS_A_WEEK = 5


def working_days_before(moment: dt.datetime, days: int) -> dt.datetime:
    """The latest moment of submission that has waited `days` working days at `moment`.

    Waiting time stands still from Saturday to Monday, in the portal's time zone.
    """
    local = timezone.localtime(moment)
    zone, wall = local.tzinfo, local.replace(tzinfo=None)
    if wall.weekday() >= SATURDAY:
        midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
        wall = midnight - dt.timedelta(days=wall.weekday() - SATURDAY)
    weeks, rest = divmod(days, WORKING_DAYS_A_WEEK)
    wall -= dt.timedelta(weeks=weeks)
    for _ in range(rest):
        wall -= dt.timedelta(days=1)
        if wall.weekday() >= SATURDAY:
            wall -= dt.timedelta(days=2)
    return wall.replace(tzinfo=zone)
