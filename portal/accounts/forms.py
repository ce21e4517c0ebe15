"""Forms of a person and of the people of a clinic. Services check what they say."""

from __future__ import annotations

from django import forms

from portal.accounts.models import Clinic, User
from portal.accounts.roles import Role


class NameForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["full_name"]
        labels = {"full_name": "Name"}
        help_texts = {"full_name": "As it stands under the reviews that you sign."}


class ClinicForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Clinic
        fields = ["name", "hide_result_until_read"]
        labels = {
            "hide_result_until_read": "Hide the model's answer until a dermatologist has read the image"
        }
        help_texts = {
            "hide_result_until_read": "Dermatologists first record their own diagnosis, then see the answer "
            "and sign. Clinicians see it at once."
        }


class PersonForm(forms.Form):
    email = forms.EmailField(label="E-mail", max_length=254)
    full_name = forms.CharField(label="Name", max_length=120, required=False)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.CLINICIAN)
