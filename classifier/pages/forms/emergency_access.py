"""Form of an emergency access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from classifier.models import EmergencyAccess, Patient
from classifier.pages.forms.fields import DayField, length_limit
from portal.trust.accounts.models import Clinic, Membership

if TYPE_CHECKING:
    from portal.trust.accounts.models import User

TYPED = {"autocomplete": "off", "spellcheck": "false"}


class EmergencyForm(forms.Form):
    """Whom, where and why. Sent by POST only, and kept nowhere but with the grant."""

    clinic = forms.ModelChoiceField(Clinic.objects.none(), label="The patient's clinic", empty_label="Choose")
    mrn = forms.CharField(
        required=False,
        label="Medical record number (MRN) there",
        validators=length_limit(Patient, "mrn"),
        widget=forms.TextInput(attrs=TYPED),
    )
    birth_date = DayField(required=False, label="Birth date")
    public_id = forms.CharField(
        required=False,
        label="Public id, instead of both",
        max_length=40,
        help_text="Such as P-7KQ2MXWD, if you have it from a letter or an export.",
        widget=forms.TextInput(attrs=TYPED),
    )
    reason = forms.CharField(
        label="Why you need it now",
        validators=length_limit(EmergencyAccess, "reason"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The administrator of that clinic reads this.",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = Membership.objects.held_by(user).order_by().values("clinic_id")
        self.fields["clinic"].queryset = Clinic.objects.exclude(pk__in=own)  # type: ignore[attr-defined]  # a choice: the stubs know no field's kind
