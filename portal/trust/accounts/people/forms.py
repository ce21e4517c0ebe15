"""Forms of a person's name, of a clinic, and of what lets programs in. Services check what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Clinic, ClinicKind, Membership, User
from portal.trust.accounts.models.clinic import MALIGNANT_IN_HUNDRED
from portal.trust.accounts.oauth.scopes import ApplicationKind
from portal.trust.accounts.people.services import check_share
from portal.trust.accounts.tokens.scopes import SCOPES

if TYPE_CHECKING:
    from decimal import Decimal

    from django.db import models
    from django.db.models import QuerySet

SCOPE_CHOICES = [(scope, f"{words} ({scope})") for scope, words in SCOPES.items()]


def make_field(column: models.Field[Any, Any], **options: Any) -> forms.Field | None:
    """The form's field of a column: the browser cuts nothing that is pasted, and what is too long is told."""
    field = column.formfield(**options)
    if field is not None:
        field.widget.attrs.pop("maxlength", None)
        field.error_messages["max_length"] = (
            "This has %(show_value)d characters; the limit is %(limit_value)d."
        )
    return field


class NameForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    class Meta:
        model = User
        fields = ["full_name"]
        formfield_callback = make_field
        labels = {"full_name": "Name"}
        help_texts = {"full_name": "As it stands under the reviews that you sign."}


class ClinicForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    class Meta:
        model = Clinic
        formfield_callback = make_field
        fields = [
            *("name", "kind", "malignant_in_hundred", "hide_result_until_read"),
            *("retention_years", "consent_recorded_in"),
        ]
        labels = {
            "kind": "Kind of clinic",
            "malignant_in_hundred": "Malignant among 100 lesions that you picture",
            "retention_years": "Keep a patient's data for (years after the last activity)",
            "hide_result_until_read": "Hide the model's answer until a dermatologist has read the image",
            "consent_recorded_in": "Consent to judgement by a model is recorded in",
        }
        help_texts = {
            "malignant_in_hundred": "Of 100 lesions whose pictures you send, how many turn out malignant? Empty: "
            f"{MALIGNANT_IN_HUNDRED[ClinicKind.PRIMARY_CARE]} in primary care, "
            f"{MALIGNANT_IN_HUNDRED[ClinicKind.DERMATOLOGY]} in dermatology. The model's figure is told for "
            "this number. It counts for answers from now on; earlier ones keep theirs.",
            "hide_result_until_read": "Dermatologists first record their own diagnosis, then see the answer "
            "and sign. Clinicians see it at once.",
            "retention_years": "Empty keeps everything. Nobody is erased by this alone: the page Retention "
            "shows whom it would be, and there you let it run every night.",
            "consent_recorded_in": "Empty: in this portal, where each patient is asked. Otherwise the name of "
            "the system or paper, such as Practice record: the portal then takes every new patient as asked "
            "there, and notes that name with the consent.",
        }

    def clean_malignant_in_hundred(self) -> Decimal | None:
        share: Decimal | None = self.cleaned_data["malignant_in_hundred"]
        try:
            check_share(share)
        except PeopleError as error:
            raise forms.ValidationError(error.message) from error
        return share


class ServiceForm(forms.Form):
    name = forms.CharField(
        label="Name", help_text="The system that it stands for, such as “Hospital records”."
    )


class ScopedForm(forms.Form):
    """A name and what it may do."""

    name = forms.CharField(label="Name", help_text="What uses it, such as “Ward tablet”.")
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=SCOPE_CHOICES,
        widget=forms.CheckboxSelectMultiple,
        help_text="Never more than the role it acts with. Choose as little as it needs.",
        error_messages={"required": "Choose at least one thing that it may do."},
    )


class ServiceChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in the stubs alone
    def label_from_instance(self, obj: Membership) -> str:
        return str(obj.user)


class ApplicationForm(ScopedForm):
    kind = forms.ChoiceField(
        label="It is",
        choices=ApplicationKind.choices,
        widget=forms.RadioSelect,
        initial=ApplicationKind.SYSTEM,
    )
    service = ServiceChoice(
        label="Acts as",
        queryset=Membership.objects.none(),
        required=False,
        empty_label="No service account",
        help_text="For a system that acts by itself.",
    )
    redirect_uris = forms.CharField(
        label="People return to",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For a website or an app: exact https:// addresses, one a line. "
        "An app on a device may use http://127.0.0.1 with any port.",
    )

    field_order = ["name", "kind", "service", "redirect_uris", "scopes"]

    def __init__(self, *args: Any, services: QuerySet[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["service"].queryset = services  # type: ignore[attr-defined]  # a choice of rows


class ApplicationChangeForm(forms.Form):
    """What of an application may change: what it is and may do is settled when it is registered."""

    name = forms.CharField(label="Name")
    redirect_uris = forms.CharField(
        label="People return to",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Exact addresses, one a line. One that is taken away stops working at once.",
    )

    def __init__(self, *args: Any, is_for_people: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_for_people:
            del self.fields["redirect_uris"]


class ServiceTokenForm(ScopedForm):
    days = forms.IntegerField(label="Works for, in days", min_value=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        longest, proposed = settings.DERMAPORT_TOKEN_MAX_DAYS, settings.DERMAPORT_TOKEN_DAYS
        days = self.fields["days"]
        days.initial = min(proposed, longest)
        days.help_text = f"1 to {longest}. After that it no longer opens anything."


class OwnTokenForm(ServiceTokenForm):
    clinic = forms.ModelChoiceField(
        label="Only in",
        queryset=Clinic.objects.none(),
        required=False,
        empty_label="All your clinics",
    )

    field_order = ["name", "clinic", "scopes", "days"]

    def __init__(self, *args: Any, clinics: QuerySet[Clinic], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["clinic"].queryset = clinics  # type: ignore[attr-defined]  # a choice of rows
