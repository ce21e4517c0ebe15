"""Accept an invitation: the code is exchanged for a place in the session, then answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.accounts.errors import PeopleError
from portal.accounts.invitation_forms import CodeForm, NewPersonForm
from portal.accounts.invitations import accept_invitation, find_by_code
from portal.accounts.middleware import SESSION_KEY as CLINIC_KEY
from portal.accounts.models import Invitation
from portal.accounts.registration import has_account, register_invited

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from portal.accounts.models import User

OPENED_KEY = "invitation"
READ_AND_WRITE = ["GET", "HEAD", "POST"]
UNKNOWN = "This code isn't known here. Open the link of the newest mail, or copy the code from it."


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(READ_AND_WRITE)
def invitation_open(request: HttpRequest) -> HttpResponse:
    """Take the code by POST; script fills it in from behind the address's #, which no server sees."""
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        invitation = find_by_code(form.cleaned_data["code"])
        if invitation is not None:
            # With the hash: sent anew, the invitation has another, and what was opened here is over.
            request.session[OPENED_KEY] = [str(invitation.pk), invitation.secret_hash]
            return redirect("invitation-accept")
        form.add_error("code", UNKNOWN)
    return render(
        request, "accounts/invitation_open.html", {"form": form}, status=400 if form.errors else 200
    )


@sensitive_post_parameters("password1", "password2")
@never_cache
@require_http_methods(READ_AND_WRITE)
def invitation_accept(request: HttpRequest) -> HttpResponse:
    """Confirm, or set name and password, or read why it can't be accepted."""
    invitation = _find_opened(request)
    if invitation is None:
        return redirect("invitation-open")
    if invitation.state != "open":
        return _show(request, invitation, "gone", status=410)
    if not request.user.is_authenticated:
        return _accept_as_nobody(request, invitation)
    return _accept_as(request.user, request, invitation)


def _accept_as(person: User, request: HttpRequest, invitation: Invitation) -> HttpResponse:
    if person.email.lower() != invitation.email:
        return _show(request, invitation, "other_address", status=403)
    if request.method != "POST":
        return _show(request, invitation, "confirm")
    try:
        accept_invitation(person=person, invitation=invitation)
    except PeopleError as error:
        return _show(request, invitation, "confirm", status=409, error=error.message)
    del request.session[OPENED_KEY]
    request.session[CLINIC_KEY] = str(invitation.clinic_id)
    messages.success(request, f"You now work in {invitation.clinic.name}.")
    return redirect("home")


def _accept_as_nobody(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    if has_account(invitation.email):
        return _show(request, invitation, "log_in")
    form = NewPersonForm(request.POST or None, email=invitation.email)
    if request.method != "POST" or not form.is_valid():
        return _show(request, invitation, "new", status=400 if form.errors else 200, form=form)
    try:
        register_invited(
            invitation=invitation,
            full_name=form.cleaned_data["full_name"],
            password=form.cleaned_data["password1"],
        )
    except PeopleError as error:
        form.add_error(error.field or None, error.message)
        return _show(request, invitation, "new", status=409, form=form)
    del request.session[OPENED_KEY]
    # Not logged in from here: the log-in page is the one door, with all that it asks for.
    messages.success(request, "Your account is ready. Log in with it.")
    return redirect("account_login")


def _find_opened(request: HttpRequest) -> Invitation | None:
    pk, secret_hash = request.session.get(OPENED_KEY, (None, ""))
    if pk is None:
        return None
    return Invitation.objects.select_related("clinic").filter(pk=pk, secret_hash=secret_hash).first()


def _show(
    request: HttpRequest, invitation: Invitation, step: str, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {"invitation": invitation, "step": step, **more}
    return render(request, "accounts/invitation_accept.html", context, status=status)
