"""Forms of a patient: new, corrected, searched for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html

from classifier.domain.vocabulary import Sex, SkinType
from classifier.models import Patient
from classifier.pages.forms.fields import DayField, SearchField, length_limit

YES, NO = "on", "off"
NO_YES = "Without a yes no dermoscopic picture of the patient can be submitted."


class ConsentField(forms.TypedChoiceField):
    """Yes or no, and neither until somebody says which: a ticked box that nobody touched is no consent."""

    widget = forms.RadioSelect

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=[(YES, "Yes"), (NO, "No")], coerce=lambda value: value == YES, **options)

    def prepare_value(self, value: Any) -> Any:
        return (YES if value else NO) if isinstance(value, bool) else value


class PatientFactsForm(forms.Form):
    """What may be corrected of a patient."""

    birth_date = DayField(required=False, label="Birth date")
    sex = forms.ChoiceField(choices=Sex.choices, initial=Sex.UNKNOWN, label="Sex")
    skin_type = forms.ChoiceField(
        choices=[("", "Not given"), *SkinType.choices],
        required=False,
        label="Skin type (Fitzpatrick)",
    )
    consents_to_inference = ConsentField(
        label="Does the patient agree that a model judges the images?",
        help_text=NO_YES,
        error_messages={"required": "Choose yes or no, as the patient said."},
    )


class NewPatientForm(PatientFactsForm):
    mrn = forms.CharField(
        label="Medical record number (MRN)",
        validators=length_limit(Patient, "mrn"),
        error_messages={"required": "Give the medical record number."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    field_order = ["mrn", "birth_date", "sex", "skin_type", "consents_to_inference"]

    def __init__(self, *args: Any, recorded_in: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        if recorded_in:
            # The clinic keeps its consents elsewhere, and says where: that is where to look.
            # Help texts are HTML to the templates, and this name was typed by somebody.
            self.fields["consents_to_inference"].help_text = format_html(
                "As recorded in {}. {}", recorded_in, NO_YES
            )


class PatientSearchForm(forms.Form):
    """Sent by POST only: a record number in an address would end up in logs and histories."""

    words = SearchField(label="Find a patient by number, site, birth date or clinician")
