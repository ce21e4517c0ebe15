"""Form of a new lesion."""

from __future__ import annotations

from typing import Any

from django import forms

from classifier.domain.body_sites import group_body_sites
from classifier.domain.vocabulary import Laterality
from classifier.models import Lesion
from classifier.pages.forms.fields import length_limit


class NewLesionForm(forms.Form):
    body_site = forms.ChoiceField(label="Body site", error_messages={"required": "Choose the body site."})
    laterality = forms.ChoiceField(
        choices=Laterality.choices,
        initial=Laterality.UNSPECIFIED,
        label="Side",
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        required=False,
        label="Note",
        help_text="What tells it from its neighbours: “2 cm below the scar”.",
        validators=length_limit(Lesion, "note"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["body_site"]
        field.choices = [("", "Choose a site"), *group_body_sites()]
