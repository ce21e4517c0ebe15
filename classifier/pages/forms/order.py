"""Say what was done about an order, and withdraw a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from classifier.domain.vocabulary import ORDERS, AcknowledgedAs
from classifier.models import Acknowledgement, Submission
from classifier.pages.forms.fields import DayField, length_limit

if TYPE_CHECKING:
    from portal.trust.accounts.models import Clinic


class AcknowledgeForm(forms.Form):
    """What was done, when, and what else there is to say."""

    done = forms.ChoiceField(
        choices=[("", "Choose"), *AcknowledgedAs.choices],
        label="What was done",
        error_messages={"required": "Choose what was done."},
    )
    done_on = DayField(label="On", required=False)
    note = forms.CharField(
        required=False,
        label="Note",
        help_text="To whom the patient was referred, for example.",
        validators=length_limit(Acknowledgement, "note"),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class WithdrawForm(forms.Form):
    """Why a case is withdrawn; needed once there is a result."""

    withdrawal_reason = forms.CharField(
        required=False,
        label="Why it is withdrawn",
        validators=length_limit(Submission, "withdrawal_reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "There is a result, so say why the case is withdrawn."},
    )

    def __init__(self, *args: Any, needs_reason: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["withdrawal_reason"].required = needs_reason


class TargetsForm(forms.Form):
    """How many days the clinic gives for reading and for each order."""

    reading_target_days = forms.IntegerField(
        min_value=1,
        max_value=30,
        label="Reading and opening a result",
        help_text="Working days. So long may a case with a benign answer wait for its dermatologist, and a "
        "result for the person who follows the case up.",
    )

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "reading_target_days": clinic.reading_target_days,
            **{
                order.value: clinic.order_target_days.get(order.value, days) for order, days in ORDERS.items()
            },
        }
        super().__init__(*args, **kwargs)
        for order, days in ORDERS.items():
            self.fields[order.value] = forms.IntegerField(
                min_value=1,
                max_value=730,
                label=order.label,
                help_text=f"Days from the signature. Usual: {days}.",
            )
