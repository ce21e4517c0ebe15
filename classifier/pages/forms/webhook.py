"""Forms of webhooks. The services check what they say."""

from __future__ import annotations

from django import forms

from classifier.domain.states import DeliveryState
from classifier.domain.vocabulary import CHOSEN_EVENTS, WebhookEventType
from classifier.models import WebhookEndpoint
from classifier.pages.forms.fields import length_limit


class WebhookForm(forms.Form):
    url = forms.CharField(
        label="Address",
        validators=length_limit(WebhookEndpoint, "url"),
        help_text="Where the other system listens, such as https://ehr.example/hooks.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    description = forms.CharField(
        label="Name", validators=length_limit(WebhookEndpoint, "description"), required=False
    )
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
