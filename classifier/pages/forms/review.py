"""What a dermatologist decides, as a form with a key for every choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from classifier.cases.reviews import Decision
from classifier.domain.vocabulary import DIAGNOSIS_GROUPS, Diagnosis, Management
from classifier.models import Review
from classifier.pages.forms.fields import length_limit

if TYPE_CHECKING:
    from collections.abc import Mapping

# Without 0, which fits the picture while the viewer has the focus.
DIAGNOSIS_KEYS = dict(zip(Diagnosis.values, "123456789ti", strict=True))
MANAGEMENT_KEYS = {
    Management.NO_ACTION: "n",
    Management.FOLLOW_UP: "f",
    Management.NEW_IMAGE: "m",
    Management.SEE_IN_PERSON: "p",
    Management.BIOPSY: "b",
    Management.EXCISE: "e",
    Management.URGENT_REFERRAL: "u",
}
COMMENT_KEY = "c"
SLIP_KEY = "z"
SLIP = "Slip"


class KeyedRadio(forms.RadioSelect):
    """Radio buttons that name their own key, and the group of their diagnosis."""

    def __init__(
        self, keys: Mapping[Any, str], groups: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.keys = {str(value): key for value, key in keys.items()}
        self.groups = {str(value): group for value, group in (groups or {}).items()}

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(*args, **kwargs)
        value = str(option["value"])
        if key := self.keys.get(value):
            option["attrs"]["data-key"] = key
        if group := self.groups.get(value):
            option["attrs"]["data-group"] = group
        return option


class UnseenForm(forms.Form):
    """The own reading, before the model's answer is shown."""

    diagnosis = forms.ChoiceField(
        choices=Diagnosis.choices,
        widget=KeyedRadio(DIAGNOSIS_KEYS, DIAGNOSIS_GROUPS),
        error_messages={"required": "Choose what you read in the image."},
    )


class ReviewForm(UnseenForm):
    management = forms.ChoiceField(
        choices=Management.choices,
        widget=KeyedRadio(MANAGEMENT_KEYS),
        error_messages={"required": "Choose what is to happen next."},
    )
    comment = forms.CharField(
        required=False,
        validators=length_limit(Review, "comment"),
        widget=forms.Textarea(attrs={"rows": 2, "data-key": COMMENT_KEY, "title": "Comment (c)"}),
    )

    # Only where a picture can't be loaded.
    unseen_reason = forms.CharField(
        required=False,
        label="Why you sign without it",
        validators=length_limit(Review, "unseen_reason"),
        widget=forms.Textarea(attrs={"rows": 1}),
    )

    @property
    def decision(self) -> Decision:
        names = Decision.__dataclass_fields__
        return Decision(**{name: self.cleaned_data[name] for name in names if name in self.cleaned_data})


class AmendForm(ReviewForm):
    amends = forms.ModelChoiceField(Review.objects.none(), widget=forms.HiddenInput)
    # The most frequent reason, one press away.
    is_slip = forms.BooleanField(
        required=False,
        label="It was a slip",
        widget=forms.CheckboxInput(
            attrs={"data-key": SLIP_KEY, "title": f"It was a slip ({SLIP_KEY})", "autofocus": True}
        ),
    )
    amendment_reason = forms.CharField(
        required=False,
        label="Why you amend it",
        validators=length_limit(Review, "amendment_reason"),
        widget=forms.Textarea(attrs={"rows": 1}),
    )

    def __init__(self, *args: Any, reviews: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if reviews is not None:
            self.fields["amends"].queryset = reviews  # type: ignore[attr-defined]  # a choice: the stubs know no field's kind

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        reason = str(cleaned.get("amendment_reason", "")).strip()
        if cleaned.get("is_slip"):
            reason = f"{SLIP}: {reason}" if reason else SLIP
        if not reason and "amendment_reason" in cleaned:
            self.add_error("amendment_reason", "Say why you amend this review.")
        cleaned["amendment_reason"] = reason
        return cleaned
