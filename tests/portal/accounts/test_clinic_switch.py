"""One person, several clinics: switching is plain, and no form lands in the wrong clinic."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from classifier.models import WebhookEndpoint
from portal.trust.accounts.models import Membership, OAuthApplication
from tests.factories import MembershipFactory, answered_submission

pytestmark = pytest.mark.django_db
TEMPLATES = Path(__file__).resolve().parents[3] / "templates"
ACT_ON_CURRENT_CLINIC = {
    *("clinic-settings", "person-role", "person-active", "person-end", "person-link"),
    "person-leave",
    *("invitations", "invitation-resend", "invitation-withdraw", "audit-export", "model-trial-export"),
    *("submission-search", "submission-export", "patient-list"),
    *("services", "applications", "webhooks", "targets", "retention", "emergency-open"),
}
NAMES_NO_ROW = re.compile(r"action=\"{% url '([\w-]+)' %}")
OF_THE_PERSON = {"settings-name", "theme", "tokens", "account_logout"}
"""What acts on the person, whatever clinic they work in; a token's clinic is a field of its form."""
NAMES_ITS_CLINIC_ITSELF = {"submission-new"}


@pytest.fixture
def client(clinics):
    """An administrator of both clinics, who works in the own one."""
    person = clinics.own.administrator
    MembershipFactory(clinic=clinics.other.clinic, user=person, role="administrator")
    client = Client()
    client.force_login(person)
    switch(client, clinics.own)
    return client


def switch(client, staff):
    return client.post(reverse("clinic-switch"), {"clinic": staff.clinic.pk}, follow=True)


def read_form(page, action):
    """The hidden fields of the page's form for `action`, as a browser would send them."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page.text, re.DOTALL).group(0)
    return dict(re.findall(r'<input type="hidden" name="(form_clinic)" value="([^"]*)"', form))


def test_switching_says_where_one_is_and_as_what(client, clinics):
    page = switch(client, clinics.other)
    assert f"You work in {clinics.other.clinic.name} now, as administrator." in page.text
    assert page.context["clinic"] == clinics.other.clinic


@pytest.mark.parametrize("address", ["clinic-settings", "invitations"])
def test_form_drawn_before_a_switch_writes_into_its_own_clinic(client, clinics, address):
    action = reverse(address)
    hidden = read_form(client.get(action), action)
    switch(client, clinics.other)
    fields = {
        "name": "Renamed here",
        "kind": "dermatology",
        "email": "new@clinic.example",
        "role": "clinician",
    }

    answer = client.post(action, {**fields, **hidden}, follow=True)

    clinics.own.clinic.refresh_from_db()
    clinics.other.clinic.refresh_from_db()
    changed = clinics.own.clinic.name == "Renamed here", clinics.own.clinic.invitations.count()
    assert changed in [(True, 0), (False, 1)]
    assert clinics.other.clinic.name != "Renamed here"
    assert not clinics.other.clinic.invitations.exists()
    assert answer.context["clinic"] == clinics.own.clinic, "where one acts is where one is"
    assert "You are back in" in answer.text


@pytest.mark.parametrize(
    ("address", "fields", "made"),
    [
        ("services", {"name": "Archive"}, Membership.objects.filter(user__kind="service")),
        (
            "applications",
            {
                "name": "Portal",
                "kind": "website",
                "redirect_uris": "https://ehr.example/back",
                "scopes": ["submissions:read"],
            },
            OAuthApplication.objects,
        ),
        (
            "webhooks",
            {"url": "https://93.184.216.34/hooks", "events": ["review.signed"]},
            WebhookEndpoint.objects,
        ),
    ],
    ids=["services", "applications", "webhooks"],
)
def test_what_lets_programs_in_is_set_up_in_the_clinic_of_its_page(client, clinics, address, fields, made):
    action = reverse(address)
    hidden = read_form(client.get(action), action)
    switch(client, clinics.other)
    before = set(made.values_list("pk", flat=True))

    client.post(action, {**fields, **hidden}, follow=True)

    added = made.exclude(pk__in=before)
    assert [row.clinic_id for row in added] == [clinics.own.clinic.pk]


def test_export_drawn_before_a_switch_is_of_its_own_clinic(client, clinics):
    mine, theirs = (answered_submission(staff, "benign") for staff in (clinics.own, clinics.other))
    action = reverse("submission-export")
    hidden = read_form(client.get(reverse("submission-list")), action)
    switch(client, clinics.other)

    rows = b"".join(client.post(action, {"what": "all", **hidden}).streaming_content).decode()

    assert mine.lesion.patient.public_id in rows
    assert theirs.lesion.patient.public_id not in rows


def test_form_of_a_clinic_that_one_left_does_not_exist(client, clinics):
    action = reverse("clinic-settings")
    hidden = read_form(client.get(action), action)
    Membership.objects.filter(clinic=clinics.own.clinic, user=clinics.own.administrator).update(
        is_active=False
    )
    assert client.post(action, {"name": "Mine", **hidden}).status_code == 404
    assert client.post(action, {"name": "Mine", "form_clinic": "nonsense"}).status_code == 404
    clinics.other.clinic.refresh_from_db()
    assert clinics.other.clinic.name != "Mine"


def test_form_can_not_name_a_clinic_that_is_not_ones_own(clinics):
    client = Client()
    client.force_login(clinics.own.administrator)
    fields = {"name": "Mine", "form_clinic": clinics.other.clinic.pk}
    assert client.post(reverse("clinic-settings"), fields).status_code == 404


def test_role_is_that_of_the_forms_clinic(client, clinics):
    """Administrator here, clinician there: a form of there may do what a clinician may."""
    Membership.objects.filter(clinic=clinics.other.clinic, user=clinics.own.administrator).update(
        role="clinician"
    )
    fields = {"name": "Mine", "form_clinic": clinics.other.clinic.pk}
    assert client.post(reverse("clinic-settings"), fields).status_code == 403


def test_row_of_the_other_clinic_says_so(client, clinics):
    case = answered_submission(clinics.other, "benign")
    for name, pk in (
        ("submission-detail", case.pk),
        ("lesion-detail", case.lesion_id),
        ("patient-detail", case.lesion.patient_id),
    ):
        address = reverse(name, args=[pk])
        assert f"belongs to <strong>{clinics.other.clinic.name}</strong>" in client.get(address).text, name
    switch(client, clinics.other)
    assert "This belongs to" not in client.get(reverse("submission-detail", args=[case.pk])).text


def test_every_form_that_acts_on_the_current_clinic_names_it():
    found = set()
    for path in TEMPLATES.rglob("*.html"):
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", path.read_text(), re.DOTALL):
            rowless = NAMES_NO_ROW.search(form)
            if rowless and path.is_relative_to(TEMPLATES / "classifier"):
                assert rowless.group(1) in ACT_ON_CURRENT_CLINIC | OF_THE_PERSON | NAMES_ITS_CLINIC_ITSELF
            target = re.search(r"action=\"{% url '([\w-]+)'", form)
            if target and target.group(1) in ACT_ON_CURRENT_CLINIC:
                found.add(target.group(1))
                assert "components/own_clinic.html" in form, (path.name, target.group(1))
    assert found == ACT_ON_CURRENT_CLINIC
