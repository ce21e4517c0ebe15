"""Filters of the history: each a parameter of the address, so that a list can be kept and sent on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from classifier.cases.follow_up import overdue_orders, overdue_unread
from classifier.domain.states import SubmissionState
from classifier.domain.vocabulary import BODY_SITE_CHOICES, Priority, Standing, body_site_within
from classifier.models import ModelVersion, Prediction
from classifier.models.submission import SubmissionQuerySet
from classifier.pages.forms.fields import FilterDayField, SearchField, end_of, start_of
from classifier.standing.queries import order_by_state, with_risk, with_standing

if TYPE_CHECKING:
    from portal.trust.accounts.models import Clinic

OUTCOME_STANDINGS: dict[str, Standing] = {
    "malignant": Standing.MALIGNANT,
    "indeterminate": Standing.INDETERMINATE,
    "refer": Standing.REFER,
    "benign": Standing.BENIGN,
    "unjudged": Standing.NOT_JUDGED,
}
"""Values of `outcome` in the address, and what each case of it is held for, whoever said so."""
OUTCOME_CHOICES = [(key, str(standing.label)) for key, standing in OUTCOME_STANDINGS.items()]
REVIEWED_CHOICES = [("yes", "Signed"), ("no", "Not signed")]
UNREAD_CHOICES = [("yes", "Unread"), ("overdue", "Unread for too long")]
ORDER_CHOICES = [("open", "Order open"), ("overdue", "Order overdue")]
SORT_CHOICES = [("newest", "Newest"), ("oldest", "Oldest"), ("risk", "Risk"), ("state", "State")]


class HistoryForm(forms.Form):
    """What the address asks for. A value that is unknown or wrong filters nothing and says so."""

    outcome = forms.ChoiceField(choices=OUTCOME_CHOICES, required=False)
    state = forms.ChoiceField(choices=SubmissionState.choices, required=False)
    reviewed = forms.ChoiceField(choices=REVIEWED_CHOICES, required=False)
    unread = forms.ChoiceField(choices=UNREAD_CHOICES, required=False)
    order = forms.ChoiceField(choices=ORDER_CHOICES, required=False)
    priority = forms.ChoiceField(choices=[("", "Any"), *Priority.choices], required=False)
    site = forms.ChoiceField(choices=[("", "Any"), *BODY_SITE_CHOICES], required=False, label="Body site")
    model = forms.ModelChoiceField(
        ModelVersion.objects.none(), required=False, empty_label="Any", label="Model version"
    )
    since = FilterDayField(required=False, label="From")
    until = FilterDayField(required=False, label="To")
    sort = forms.ChoiceField(choices=SORT_CHOICES, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"].queryset = ModelVersion.objects.order_by("name", "version")  # type: ignore[attr-defined]  # a choice: the stubs know no field's kind

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", f"The end ({until}) lies before the start ({since}).")
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        """What is to be applied: given and valid."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def narrowing(self) -> list[str]:
        """Names of the filters in force, without the sorting: what an audit event may say."""
        return sorted(set(self.values) - {"sort"})

    def apply(self, rows: SubmissionQuerySet, *, hides_unread: bool, clinic: Clinic) -> SubmissionQuerySet:
        """Narrow and order `rows` in SQL."""
        values = self.values
        if outcome := values.get("outcome"):
            rows = with_standing(rows, OUTCOME_STANDINGS[outcome], hides_unread=hides_unread)
        if state := values.get("state"):
            rows = rows.with_state(SubmissionState(state))
        if reviewed := values.get("reviewed"):
            rows = _narrow_by_signature(rows, is_signed=reviewed == "yes")
        rows = narrow_unread(rows, values.get("unread", ""), clinic)
        rows = narrow_orders(rows, values.get("order", ""))
        if priority := values.get("priority"):
            rows = rows.filter(priority=priority)
        if site := values.get("site"):
            rows = rows.filter(lesion__body_site__in=body_site_within(site))
        if model := values.get("model"):
            served = Prediction.objects.served().filter(image__submission=OuterRef("pk"), model_version=model)
            rows = rows.filter(Exists(served))
        if since := values.get("since"):
            rows = rows.filter(submitted_at__gte=start_of(since))
        if until := values.get("until"):
            rows = rows.filter(submitted_at__lt=end_of(until))
        return _sort(rows, values.get("sort", "newest"), hides_unread=hides_unread)


def narrow_unread(rows: SubmissionQuerySet, which: str, clinic: Clinic) -> SubmissionQuerySet:
    """Cases that who follows them up has not opened; `which` of UNREAD_CHOICES, or empty for all."""
    if which == "overdue":
        return rows.filter(overdue_unread(clinic, timezone.now()))
    return rows.filter(is_unread=True) if which else rows


def narrow_orders(rows: SubmissionQuerySet, which: str) -> SubmissionQuerySet:
    """Cases with an order that nobody acknowledged; `which` of ORDER_CHOICES, or empty for all."""
    if which == "overdue":
        return rows.filter(overdue_orders(timezone.now()))
    return rows.with_open_order() if which else rows


def _sort(rows: SubmissionQuerySet, by: str, *, hides_unread: bool) -> SubmissionQuerySet:
    if by == "risk":
        return with_risk(rows, hides_unread=hides_unread).order_by("risk_rank", "-submitted_at", "-pk")  # type: ignore[misc]  # annotated by the query
    if by == "state":
        return order_by_state(rows)
    if by == "oldest":
        return rows.order_by("submitted_at", "pk")
    return rows.order_by("-submitted_at", "-pk")


def _narrow_by_signature(rows: SubmissionQuerySet, *, is_signed: bool) -> SubmissionQuerySet:
    signed = Q(state=SubmissionState.REVIEWED)
    return rows.filter(signed if is_signed else ~signed)


class SearchForm(forms.Form):
    """What was typed to find cases: patient data, so it travels in a POST only."""

    word = SearchField()
