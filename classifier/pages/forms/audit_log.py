"""What the audit log can be searched by: opaque ids, codes, people and days, all in the address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from classifier.labels.audit import describe_action
from classifier.models.audit_subjects import about_patient, name_kind
from classifier.pages.forms.fields import FilterDayField, end_of, start_of
from portal.trust.accounts.models import User
from portal.trust.audit.models import AuditEvent

if TYPE_CHECKING:
    from portal.trust.accounts.models import Clinic
    from portal.trust.audit.models import AuditEventQuerySet


class AuditLogForm(forms.Form):
    """Filters of the audit log: parameters of the address."""

    action = forms.ChoiceField(required=False, label="What")
    person = forms.ModelChoiceField(
        User.objects.none(), required=False, empty_label="Anybody", label="Who", to_field_name="pk"
    )
    kind = forms.ChoiceField(required=False, label="Of what")
    object_id = forms.UUIDField(
        required=False,
        label="Id",
        error_messages={"invalid": "An id has 32 letters and digits, as in the export."},
    )
    patient = forms.CharField(
        required=False,
        max_length=40,
        label="About patient",
        help_text="The public id, such as P-7KQ2MXWD: never a name or a record number.",
    )
    since = FilterDayField(required=False, label="From")
    until = FilterDayField(required=False, label="To")

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = AuditEvent.objects.filter(chain__clinic=clinic).order_by().values_list("action", flat=True)
        words = sorted(((action, describe_action(action)) for action in known.distinct()), key=lambda c: c[1])
        self.fields["action"].choices = [("", "Anything"), *words]  # type: ignore[attr-defined]  # a choice: the stubs know no field's kind
        kinds = AuditEvent.objects.filter(chain__clinic=clinic).exclude(object_type="").order_by()
        found = sorted(set(kinds.values_list("object_type", flat=True).distinct()))
        self.fields["kind"].choices = [  # type: ignore[attr-defined]  # a choice: the stubs know no field's kind
            ("", "Anything"),
            *sorted(((kind, name_kind(kind)) for kind in found), key=lambda c: c[1]),
        ]
        self.clinic = clinic
        people = User.objects.filter(memberships__clinic=clinic).order_by("full_name", "email")
        self.fields["person"].queryset = people  # type: ignore[attr-defined]  # a choice: the stubs know no field's kind

    @property
    def values(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    def apply(self, events: AuditEventQuerySet) -> AuditEventQuerySet:
        values = self.values
        if "action" in values:
            events = events.filter(action=values["action"])
        if "person" in values:
            events = events.filter(actor=values["person"])
        if "kind" in values:
            events = events.filter(object_type=values["kind"])
        if "object_id" in values:
            events = events.filter(object_id=str(values["object_id"]))
        if "patient" in values:
            events = about_patient(events, clinic=self.clinic, opaque_id=values["patient"])
        if "since" in values:
            events = events.filter(occurred_at__gte=start_of(values["since"]))
        if "until" in values:
            events = events.filter(occurred_at__lt=end_of(values["until"]))
        return events
