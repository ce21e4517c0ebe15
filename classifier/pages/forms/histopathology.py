"""Forms of a histopathology report and of its correction."""

from __future__ import annotations

from typing import Any

from django import forms

from classifier.cases.histopathology import Finding
from classifier.domain.vocabulary import Histopathology, Procedure
from classifier.models import Outcome
from classifier.pages.forms.fields import DayField, length_limit


class OutcomeForm(forms.Form):
    """What a pathologist's report says of a specimen."""

    diagnosis = forms.ChoiceField(
        choices=[("", "Choose"), *Histopathology.choices],
        error_messages={"required": "Choose what was found."},
    )
    procedure = forms.ChoiceField(
        choices=[("", "Choose"), *Procedure.choices],
        label="How the specimen was taken",
        error_messages={"required": "Choose how the specimen was taken."},
    )
    specimen_taken_on = DayField(label="Specimen taken on")
    reported_on = DayField(label="Reported on")
    breslow_mm = forms.DecimalField(
        required=False,
        max_digits=4,
        decimal_places=2,
        label="Breslow thickness in mm",
        help_text="For invasive melanoma alone.",
    )
    comment = forms.CharField(
        required=False,
        validators=length_limit(Outcome, "comment"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    @property
    def finding(self) -> Finding:
        return Finding(**{name: self.cleaned_data[name] for name in Finding.__dataclass_fields__})


class CorrectionForm(OutcomeForm):
    correction_reason = forms.CharField(
        label="Why you change it",
        validators=length_limit(Outcome, "correction_reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why you change it."},
    )

    @classmethod
    def of(cls, outcome: Outcome, data: Any = None) -> CorrectionForm:
        initial = {name: getattr(outcome, name) for name in Finding.__dataclass_fields__}
        return cls(data, initial=initial)
