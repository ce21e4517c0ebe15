"""Forms of a person and of a clinic. Services check what they say."""

from __future__ import annotations

from django import forms

from portal.accounts.models import Clinic, User


class NameForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    class Meta:
        model = User
        fields = ["full_name"]
        labels = {"full_name": "Name"}
        help_texts = {"full_name": "As it stands under the reviews that you sign."}


class ClinicForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    class Meta:
        model = Clinic
        fields = ["name", "hide_result_until_read", "retention_years", "consent_recorded_in"]
        labels = {
            "retention_years": "Keep a patient's data for (years after the last activity)",
            "hide_result_until_read": "Hide the model's answer until a dermatologist has read the image",
            "consent_recorded_in": "Consent to judgement by a model is recorded in",
        }
        help_texts = {
            "hide_result_until_read": "Dermatologists first record their own diagnosis, then see the answer "
            "and sign. Clinicians see it at once.",
            "retention_years": "Empty keeps everything. Nobody is erased by this alone: the page Retention "
            "shows whom it would be, and there you let it run every night.",
            "consent_recorded_in": "Empty: in this portal, where each patient is asked. Otherwise the name of "
            "the system or paper, such as Practice record: the portal then takes every new patient as asked "
            "there, and notes that name with the consent.",
        }
