"""The key of a session: another one as soon as the session may do more than before."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase
    from django.http import HttpRequest

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
