"""Forms of retention and of a patient's erasure."""

from __future__ import annotations

from typing import Any

from django import forms

from classifier.domain.vocabulary import ErasureReason


class PreviewForm(forms.Form):
    """What another policy would do, before it is one."""

    years = forms.IntegerField(
        required=False, min_value=1, max_value=100, label="If data were kept for (years)"
    )

    @property
    def asked(self) -> int | None:
        return self.cleaned_data.get("years") if self.is_valid() else None


class ErasureForm(forms.Form):
    """Why, and the public id typed as a confirmation: the wrong patient can't be brought back."""

    reason = forms.ChoiceField(choices=[("", "Choose"), *ErasureReason.choices], label="Reason")
    public_id = forms.CharField(
        label="Type the patient's public id to confirm",
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def clean_public_id(self) -> str:
        typed: str = self.cleaned_data["public_id"].strip().upper()
        if typed != self.expected:
            raise forms.ValidationError(f"Expected {self.expected}, the id shown above.")
        return typed
