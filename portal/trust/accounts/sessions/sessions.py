"""A person's own sessions: where they are logged in, and ending what they don't know."""

from __future__ import annotations

import datetime as dt
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase
    from django.http import HttpRequest

    from portal.trust.accounts.models import User


# The first that fits: later ones stand in the names of earlier ones.
BROWSERS = [
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox|FxiOS", "Firefox"),
    ("Chrome|CriOS|Chromium", "Chrome"),
    ("Safari", "Safari"),
]
SYSTEMS = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
]


@dataclass(frozen=True)
class SessionRow:
    pk: int
    words: str
    address: str
    began: dt.datetime
    last_seen: dt.datetime
    is_current: bool


def describe_agent(agent: str) -> str:
    """A browser's name for itself in words that its owner knows: "Firefox on Windows"."""
    browser = next((words for sign, words in BROWSERS if re.search(sign, agent)), "")
    system = next((words for sign, words in SYSTEMS if re.search(sign, agent)), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "An unknown program"


def list_sessions(*, user: User, current_key: str | None) -> list[SessionRow]:
    """Live sessions, the present one first, then the latest seen."""
    rows = [
        SessionRow(
            pk=row.pk,
            words=describe_agent(row.user_agent),
            address=row.ip,
            began=row.created_at,
            last_seen=row.last_seen_at,
            is_current=row.session_key == current_key,
        )
        for row in UserSession.objects.purge_and_list(user)
    ]
    return sorted(rows, key=lambda row: (row.is_current, row.last_seen), reverse=True)


def end_every_session(*, user: User) -> int:
    """Log a person out everywhere; the event is the caller's, who knows why."""
    rows = list(UserSession.objects.filter(user=user))
    for row in rows:
        row.end()
    return len(rows)


def end_sessions(*, actor: User, current_key: str | None, pk: int | None = None) -> int:
    """End one of one's own sessions, or all but the present one; return how many ended.

    One that isn't there, isn't one's own or is the present one ends nothing.
    """
    rows = UserSession.objects.filter(user=actor).exclude(session_key=current_key)
    if pk is not None:
        rows = rows.filter(pk=pk)
    with transaction.atomic():
        ended = list(rows)
        for row in ended:
            row.end()
        if ended:
            record_event(
                clinic_id=None,
                action="user.sessions_ended",
                actor=actor,
                obj=actor,
                details={"sessions": len(ended)},
            )
    return len(ended)


def forget_expired_sessions() -> None:
    """Delete sessions that are over, and from where and with what they were used.

    What was seen a short while ago stays: its key may be on the way from one to another.
    """
    SessionStore.clear_expired()
    quiet_since = timezone.now() - dt.timedelta(seconds=settings.SESSION_COOKIE_AGE)
    live = Session.objects.values("session_key")
    UserSession.objects.filter(last_seen_at__lt=quiet_since).exclude(session_key__in=live).delete()


# --- Session fixation ---------------------------------------------------------------------------
# A session gets another key as soon as it may do more than before.


SUPERSEDED = "session_superseded"
OVERLAP_SECONDS = 30


def renew_key(request: HttpRequest, *, at_once: bool = False) -> None:
    """Give a session that may do more from now on a key that nobody saw before.

    The former works on for `OVERLAP_SECONDS` as what it was, knowing nothing of what is new: pages in
    other tabs have asked by it just now, and a refusal would take the new key out of the browser.
    `at_once`, where what is new is known to the database and so to the former as well, it ends now.
    """
    session = request.session
    former = session.session_key
    session.pop(SUPERSEDED, None)
    if at_once:
        session.cycle_key()
    else:
        _leave_behind(session)
        content = dict(session.items())
        session.create()
        session.update(content)
    UserSession.objects.filter(session_key=former).update(session_key=session.session_key)


def is_superseded(session: SessionBase) -> bool:
    """Whether the person goes on by another key, so that nothing is kept in this session any more."""
    return SUPERSEDED in session


def is_over(session: SessionBase) -> bool:
    """Whether the time of a former key is over."""
    since = session.get(SUPERSEDED)
    return since is not None and time.time() - since > OVERLAP_SECONDS


def _leave_behind(session: SessionBase) -> None:
    """Mark the session as it was stored, before this request. Raises SessionInterrupted where it is gone."""
    stored = type(session)(session.session_key)
    stored.setdefault(SUPERSEDED, time.time())
    gone = SessionInterrupted("This session was ended meanwhile. Log in again.")
    if stored.session_key is None:
        raise gone
    try:
        stored.save()
    except UpdateError as error:
        raise gone from error
