"""The settings' index, the menu beside each page, and what other systems are told."""

import pytest
from django.urls import reverse

from classifier.fhir.resources import KINDS
from classifier.pages.settings import GROUPS
from portal.trust.accounts.tokens.scopes import SCOPES
from tests.factories import MembershipFactory, UserFactory, staff_clinic

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    return staff_clinic()


def read(client, person, address="/settings/"):
    client.force_login(person)
    return client.get(address).content.decode()


def test_index_shows_each_what_they_can_open(client, staff):
    everything = {page.address for group in GROUPS for page in group.pages}
    shown = {role: read(client, getattr(staff, role)) for role in ("clinician", "administrator")}
    assert all(f'href="{address}"' in shown["administrator"] for address in everything)
    assert f'href="{reverse("tokens")}"' in shown["clinician"]
    assert "Privacy and audit" not in shown["clinician"]


def test_menu_marks_the_page_one_is_on(client, staff):
    page = read(client, staff.administrator, reverse("webhooks"))
    assert f'href="{reverse("webhooks")}" aria-current="page"' in page
    assert f'href="{reverse("people")}" aria-current' not in page


def test_own_access_has_the_menu_too(client, staff):
    page = read(client, staff.clinician, reverse("sessions"))
    assert f'href="{reverse("mfa_index")}"' in page
    assert f'href="{reverse("people")}"' not in page


def test_who_must_enrol_first_gets_no_menu(client, staff, settings):
    settings.DERMAPORT_MFA_REQUIRED_ROLES = ["administrator"]
    page = read(client, staff.administrator, reverse("mfa_index"))
    assert "Your role needs a second factor" in page
    assert "settings-menu" not in page


def test_without_password_log_in_there_is_no_password_page(client, staff, settings):
    settings.DERMAPORT_LOCAL_LOGIN = False
    assert reverse("account_change_password") not in read(client, staff.clinician)


def test_interfaces_name_addresses_scopes_and_events(client, staff):
    page = read(client, staff.clinician, reverse("interfaces"))
    for words in ("http://testserver/api/v1/", "http://testserver/fhir/r4", "review.signed", *SCOPES):
        assert words in page
    assert reverse("webhooks") not in page


def test_fhir_page_describes_every_resource_and_search(client, staff):
    page = read(client, staff.clinician, reverse("interfaces-fhir"))
    for kind in KINDS.values():
        assert f"<strong>{kind.name}</strong>" in page
        assert all(f"<code>{name}</code>" in page for name in kind.params)


def test_integration_is_told_where_the_api_is(client, staff):
    person = MembershipFactory(clinic=staff.clinic, role="integration").user
    page = read(client, person, "/")
    assert "Integrations use the API" in page
    assert reverse("api-docs") in page


def test_operator_without_a_clinic_finds_their_own_access(client):
    page = read(client, UserFactory(is_staff=True), reverse("model-list"))
    assert reverse("sessions") in page
    assert reverse("tokens") not in page
