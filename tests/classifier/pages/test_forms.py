"""Forms of the pages: nothing that was typed or pasted is cut without a word."""

import pytest
from django import forms

from classifier.domain.states import DeliveryState
from classifier.pages.forms import (
    audit_log,
    emergency_access,
    erasure,
    filters,
    hand_over,
    histopathology,
    lesion,
    order,
    patient,
    review,
    submission,
    webhook,
)
from classifier.pages.forms.fields import carry_shown, read_changes
from portal.settings.paths import BASE_DIR
from portal.trust.accounts.people import forms as people
from portal.trust.accounts.people import invitation_views

MODULES = (
    *(audit_log, emergency_access, erasure, filters, hand_over, histopathology, lesion),
    *(order, patient, review, submission, webhook),
    *(people, invitation_views),
)
FORMS = {
    found.__name__: found
    for module in MODULES
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, forms.BaseForm) and found.__module__ == module.__name__
}
IDS = {"public_id", "patient"}
"""Ten letters and digits, or an id of addresses: what is longer is none."""


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_browser_cuts_nothing_that_is_pasted(form):
    fields = {name: field for name, field in form.base_fields.items() if name not in IDS}

    assert [name for name, field in fields.items() if "maxlength" in field.widget.attrs] == []


def test_no_template_lets_a_browser_cut_what_is_pasted():
    templates = [path for path in (BASE_DIR / "templates").rglob("*.html") if "maxlength" in path.read_text()]

    assert templates == []


@pytest.mark.parametrize(
    ("form", "name", "limit"),
    [
        (review.ReviewForm, "comment", 4000),
        (review.ReviewForm, "unseen_reason", 500),
        (review.AmendForm, "amendment_reason", 500),
        (webhook.WebhookForm, "description", 120),
        (webhook.WebhookForm, "url", 500),
        (people.NameForm, "full_name", 120),
        (people.ClinicForm, "consent_recorded_in", 120),
    ],
    ids=lambda value: str(getattr(value, "__name__", value)),
)
def test_what_is_too_long_is_told_with_both_numbers(form, name, limit):
    found = form({name: "x" * (limit + 1)})

    assert found.errors[name] == [f"This has {limit + 1} characters; the limit is {limit}."]


@pytest.mark.parametrize(
    ("form", "name"), [(filters.SearchForm, "word"), (patient.PatientSearchForm, "words")]
)
def test_long_search_looks_for_what_fits(form, name):
    """Refused, it would find everything, as if nobody had asked for anything."""
    found = form({name: f"  two   {'x' * 80}"})

    assert found.is_valid()
    assert found.cleaned_data[name] == f"two {'x' * 60}"


class TestWhatWasChanged:
    def read(self, **sent):
        shown = {"initial-state": DeliveryState.FAILED.value, "initial-type": ""}
        form = carry_shown(webhook.DeliveryFilterForm({**shown, **sent}))
        assert form.is_valid()
        return read_changes(form)

    def test_is_what_differs_from_what_the_page_showed(self):
        assert self.read(state="failed", type="review.signed") == {"type": "review.signed"}

    def test_holds_what_was_emptied(self):
        assert self.read(state="", type="") == {"state": ""}

    def test_is_all_of_a_form_that_says_nothing_of_its_page(self):
        form = carry_shown(webhook.DeliveryFilterForm({"state": "failed"}))

        assert form.is_valid()
        assert read_changes(form) == {"state": "failed", "type": ""}
        assert "initial-" not in str(form["state"])
