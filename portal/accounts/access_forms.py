"""Forms of what lets programs in. Services check what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings

from portal.accounts.models import Clinic
from portal.accounts.scopes import SCOPES

if TYPE_CHECKING:
    from django.db.models import QuerySet

SCOPE_CHOICES = [(scope, f"{words} ({scope})") for scope, words in SCOPES.items()]


class ScopedForm(forms.Form):
    """A name and what it may do."""

    name = forms.CharField(label="Name", max_length=80, help_text="What uses it, such as “Ward tablet”.")
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=SCOPE_CHOICES,
        widget=forms.CheckboxSelectMultiple,
        help_text="Never more than the role it acts with. Choose as little as it needs.",
        error_messages={"required": "Choose at least one thing that it may do."},
    )


class ServiceTokenForm(ScopedForm):
    days = forms.IntegerField(label="Works for, in days", min_value=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        longest, proposed = settings.DERMAPORT_TOKEN_MAX_DAYS, settings.DERMAPORT_TOKEN_DAYS
        days = self.fields["days"]
        days.initial = min(proposed, longest)
        days.help_text = f"1 to {longest}. After that it no longer opens anything."


class OwnTokenForm(ServiceTokenForm):
    clinic = forms.ModelChoiceField(
        label="Only in",
        queryset=Clinic.objects.none(),
        required=False,
        empty_label="All your clinics",
    )

    field_order = ["name", "clinic", "scopes", "days"]

    def __init__(self, *args: Any, clinics: QuerySet[Clinic], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["clinic"].queryset = clinics  # type: ignore[attr-defined]
