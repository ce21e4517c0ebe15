"""Accept an invitation: the code is exchanged for a place in the session, then answered."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordMixin
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.middleware import SESSION_KEY as CLINIC_KEY
from portal.trust.accounts.models import Invitation, User
from portal.trust.accounts.people.founding import has_account, register_invited
from portal.trust.accounts.people.invitations import accept_invitation, find_by_code
from portal.trust.accounts.roles import Role

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


# --- Forms --------------------------------------------------------------------------------------


class LastDayField(forms.DateField):
    """A day that still counts; cleans to the midnight that ends it."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def clean(self, value: Any) -> dt.datetime | None:
        day = super().clean(value)
        if day is None:
            return None
        try:
            return timezone.make_aware(dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min))
        except OverflowError:
            raise forms.ValidationError("This date is too far away.", code="too_far") from None


class InvitationForm(forms.Form):
    email = forms.EmailField(label="E-mail", max_length=None)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.CLINICIAN)
    guest_until = LastDayField(
        required=False,
        label="Guest until",
        help_text="For a dermatologist of another clinic: the last day on which they read cases here.",
    )


class GuestForm(forms.Form):
    guest_until = LastDayField()


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code from the mail",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class NewPersonForm(SetPasswordMixin, forms.Form):  # type: ignore[type-arg]  # generic in the stubs alone
    """Name and password of somebody new here; the address is the invitation's."""

    full_name = forms.CharField(label="Name", help_text="As it stands under what you submit and sign.")
    password1, password2 = SetPasswordMixin.create_password_fields(
        label1="Password", label2="Repeat the password"
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any] | None:
        self.validate_passwords()
        person = User(email=self.email, full_name=self.cleaned_data.get("full_name", ""))
        self.validate_password_for_user(person)
        return super().clean()


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
