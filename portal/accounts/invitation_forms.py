"""Forms of invitations: the administrator's, and those of the person who accepts."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib.auth.forms import SetPasswordMixin
from django.utils import timezone

from portal.accounts.models import User
from portal.accounts.roles import Role


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
    email = forms.EmailField(label="E-mail", max_length=254)
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
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class NewPersonForm(SetPasswordMixin, forms.Form):  # type: ignore[type-arg]  # generic in the stubs alone
    """Name and password of somebody new here; the address is the invitation's."""

    full_name = forms.CharField(
        label="Name", max_length=120, help_text="As it stands under what you submit and sign."
    )
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
