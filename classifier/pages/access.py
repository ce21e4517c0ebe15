"""Page access: logged in, in a clinic, in a role that the page serves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from classifier.cases.follow_up import FOLLOWING
from classifier.pages.uploads import takes_upload
from portal.trust.accounts.middleware import SESSION_KEY
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import ROLES_ALLOWED, Action, Role

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpResponseBase

    from portal.trust.accounts.models import User
    from portal.trust.accounts.requests import PortalRequest, SiteRequest


FORM_CLINIC = "form_clinic"


Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class Visible(Protocol[Row_co]):
    """A manager or queryset that knows which of its rows a person may see."""

    def visible_to(self, user: User | AnonymousUser, /) -> models.QuerySet[Row_co]: ...


def page(
    action: Action = Action.VIEW_CASES, *, operators: bool = False
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Open a view to people whose role in their current clinic allows `action`.

    Who isn't logged in is sent to the log-in page; a person without a clinic is told whom to ask, an
    integration where the API is. `operators` opens it to operators of the site too, who may have no clinic.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: SiteRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                # A fragment asked for by a page whose session ended: the log-in page is no fragment.
                is_fragment = request.htmx
                if is_fragment:
                    return HttpResponse(status=401)
                return _send_away(request, view)
            if operators and request.user.is_staff:
                return view(request, *args, **kwargs)
            # A view of uploads names its clinic itself, and reads the body under its own guard.
            if request.method == "POST" and not getattr(view, "csrf_exempt", False):
                settle_clinic(request)
            membership = request.membership
            if membership is None:
                return render(request, "classifier/no_clinic.html", status=403)
            if membership.role == Role.INTEGRATION:
                return render(request, "classifier/no_pages.html", status=403)
            require(request.user, membership.clinic, action)
            return view(request, *args, **kwargs)

        return wrapper

    return decorate


def settle_clinic(request: SiteRequest) -> None:
    """Let a form act in the clinic that its page was drawn for, whatever another tab chose since.

    Forms that act on the current clinic name it (components/own_clinic.html). A clinic in which
    this person has no membership any more does not exist.
    """
    wanted = request.POST.get(FORM_CLINIC)
    if wanted is None or request.membership is None:
        return
    drawn_in = next((m for m in request.memberships if str(m.clinic_id) == wanted), None)
    if drawn_in is None:
        raise Http404
    if drawn_in != request.membership:
        request.membership, request.clinic = drawn_in, drawn_in.clinic
        request.session[SESSION_KEY] = wanted
        messages.info(request, f"You are back in {drawn_in.clinic.name}, where that page belongs.")


def operator_page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Open a view to operators of the site alone: what it changes is every clinic's."""

    @wraps(view)
    def wrapper(request: SiteRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return send_to_log_in(request)
        if not request.user.is_staff:
            raise PermissionDenied("This page is for operators of the site.")
        return view(request, *args, **kwargs)

    return wrapper


def _send_away(request: SiteRequest, view: Callable[..., HttpResponseBase]) -> HttpResponseBase:
    """The log-in page; or, for a form whose session ended before it was sent, a page that says so.

    A page with script asks before it sends, covers itself and keeps what was typed: this is for the others.
    """
    is_by_hand = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    if request.method != "POST" or not is_by_hand or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return send_to_log_in(request)
    return (
        _read_and_render_session_ended(request)
        if getattr(view, "csrf_exempt", False)
        else _render_session_ended(request)
    )


def _render_session_ended(request: SiteRequest) -> HttpResponse:
    came_from = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(
        came_from, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    back = urlsplit(came_from).path if is_ours else ""
    context = {"back": back or resolve_url(settings.LOGIN_REDIRECT_URL)}
    return render(request, "account/session_ended.html", context, status=401)


# A browser that is still sending its pictures doesn't listen to the answer.
_read_and_render_session_ended = takes_upload(lambda request, *_: _render_session_ended(request))(
    _render_session_ended
)


def send_to_log_in(request: SiteRequest) -> HttpResponse:
    """The log-in page, and back to where the person wanted to go."""
    return redirect_to_login(request.get_full_path())


def get_visible(rows: Visible[Row_co], request: SiteRequest, pk: uuid.UUID) -> Row_co:
    """The row if this person may see it; 404 otherwise, as if it did not exist."""
    row = rows.visible_to(request.user).filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


# --- Rights on a row ----------------------------------------------------------------------------
# By a person's role in the row's own clinic.


READER = ""
"""Of no role there: who opened a patient in an emergency reads, and may do nothing else."""


@dataclass(frozen=True)
class Rights:
    """Rights within one clinic, for templates and views; services check again."""

    role: str

    @property
    def reads_only(self) -> bool:
        return self.role == READER

    @property
    def submit(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.SUBMIT]

    @property
    def follow(self) -> bool:
        return self.role in FOLLOWING

    @property
    def cancel(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.CANCEL]

    @property
    def export(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.EXPORT]

    @property
    def report(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.REPORT]

    @property
    def administer(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.ADMINISTER]

    @property
    def review(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.REVIEW]

    @property
    def record_outcome(self) -> bool:
        return self.role in ROLES_ALLOWED[Action.RECORD_OUTCOME]


def rights_in(request: PortalRequest, clinic_id: uuid.UUID) -> Rights:
    """Rights in the clinic of a row that is visible; 403 where the role has no pages.

    Reads the memberships that the request has loaded already, so it costs no query.
    """
    role = next(
        (m.role for m in request.memberships if m.clinic_id == clinic_id),
        "",
    )
    if not role and any(access.clinic_id == clinic_id for access in request.emergencies):
        return Rights(READER)
    if role not in ROLES_ALLOWED[Action.VIEW_CASES] or role == Role.INTEGRATION:
        raise PermissionDenied("Your role in this clinic has no pages.")
    return Rights(role)


def require_right(allowed: bool, words: str) -> None:  # noqa: FBT001 (reads as a sentence)
    """403 with `words` unless allowed."""
    if not allowed:
        raise PermissionDenied(words)
