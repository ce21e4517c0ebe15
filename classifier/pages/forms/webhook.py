"""Forms of webhooks. The services check what they say."""

from __future__ import annotations

from django import forms

from classifier.domain.states import DeliveryState
from classifier.domain.vocabulary import CHOSEN_EVENTS, WebhookEventType


class WebhookForm(forms.Form):
    url = forms.CharField(
        label="Address",
        max_length=500,
        help_text="Where the other system listens, such as https://ehr.example/hooks.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    description = forms.CharField(label="Name", max_length=120, required=False)
    events = forms.MultipleChoiceField(
        label="Tell it when", choices=CHOSEN_EVENTS, widget=forms.CheckboxSelectMultiple
    )


class DeliveryFilterForm(forms.Form):
    """Filters of the log: parameters of the address."""

    state = forms.ChoiceField(
        required=False, label="State", choices=[("", "Any state"), *DeliveryState.choices]
    )
    type = forms.ChoiceField(
        required=False, label="Event", choices=[("", "Any event"), *WebhookEventType.choices]
    )
