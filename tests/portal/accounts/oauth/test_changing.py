"""An application's name, addresses and secret change; closing one is asked first."""

import base64
import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import Grant

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import OAuthApplication
from portal.trust.accounts.oauth.application_secrets import end_former_secret, rotate_secret
from portal.trust.accounts.oauth.applications import update_application
from portal.trust.audit.models import AuditEvent
from tests.support.oauth import RETURN, TOKEN, agree, ask_by_itself, call, redeem, register
from tests.support.shown import read_shown

PAGE = "/settings/applications/"
ELSEWHERE = "https://records.example/elsewhere"


def rotate(clinics, registration, **how):
    return rotate_secret(actor=clinics.own.administrator, application=registration.application, **how)


class TestSecret:
    def test_former_works_beside_the_new_for_a_while(self, clinics, system, time_machine):
        token = ask_by_itself(system).json()["access_token"]
        new = rotate(clinics, system)
        assert call(token).status_code == 200
        assert ask_by_itself(system).status_code == 200
        assert ask_by_itself(new).status_code == 200
        time_machine.move_to(timezone.now() + dt.timedelta(hours=25))
        assert ask_by_itself(system).status_code == 401
        assert ask_by_itself(new).status_code == 200

    def test_former_works_in_a_header_too_and_a_wrong_one_never(self, clinics, system):
        rotate(clinics, system)
        answers = []
        for secret in (system.secret, system.secret + "x"):
            pair = f"{system.application.client_id}:{secret}".encode()
            header = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
            answers.append(Client().post(TOKEN, {"grant_type": "client_credentials"}, headers=header))
        assert [answer.status_code for answer in answers] == [200, 401]

    def test_two_changes_leave_the_latest_former(self, clinics, system):
        second = rotate(clinics, system)
        rotate(clinics, system)
        assert ask_by_itself(system).status_code == 401
        assert ask_by_itself(second).status_code == 200

    def test_at_once_ends_the_former_and_its_tokens(self, clinics, system):
        token = ask_by_itself(system).json()["access_token"]
        new = rotate(clinics, system, at_once=True)
        assert call(token).status_code == 401
        assert ask_by_itself(system).status_code == 401
        assert ask_by_itself(new).status_code == 200
        event = AuditEvent.objects.get(action="application.secret_rotated")
        assert event.details == {"at_once": True, "tokens_revoked": 1}

    def test_former_can_be_ended_early(self, clinics, system):
        new = rotate(clinics, system)
        end_former_secret(actor=clinics.own.administrator, application=system.application)
        assert ask_by_itself(system).status_code == 401
        assert ask_by_itself(new).status_code == 200

    def test_former_is_hashed_and_ends(self, clinics, system):
        rotate(clinics, system)
        row = OAuthApplication.objects.get()
        assert system.secret not in row.former_secret
        with pytest.raises(IntegrityError), transaction.atomic():
            OAuthApplication.objects.update(former_until=None)

    def test_page_offers_each(self, client, clinics, system):
        client.force_login(clinics.own.administrator)
        address = f"{PAGE}{system.application.pk}/"
        shown = client.post(f"{address}secret/", {"end": "later"})
        assert shown.context["secret"].startswith("dps_")
        offer = "The old secret also works until"
        assert offer in shown.content.decode()
        client.post(f"{address}secret/", {"end": "former"})
        assert offer not in client.get(address).content.decode()
        assert client.post(f"{address}secret/", {"end": "now"}).context["secret"]
        assert not OAuthApplication.objects.get().has_former_secret


class TestNameAndAddresses:
    def test_they_change_on_the_page(self, client, clinics, website):
        client.force_login(clinics.own.administrator)
        address = f"{PAGE}{website.application.pk}/"
        assert RETURN in client.get(address).content.decode()
        sent = {"name": "Ward  records", "redirect_uris": f"{RETURN}\n{ELSEWHERE}"}
        assert client.post(address, sent).status_code == 302
        row = OAuthApplication.objects.get()
        assert (row.name, row.redirect_uris) == ("Ward records", f"{RETURN} {ELSEWHERE}")
        event = AuditEvent.objects.get(action="application.updated")
        assert event.details == {"fields": ["name", "redirect_uris"]}
        refused = client.post(address, {"name": "Ward", "redirect_uris": "http://records.example/"})
        assert set(refused.context["form"].errors) == {"redirect_uris"}

    def test_page_that_was_open_all_the_time_writes_back_no_former_address(self, client, clinics, website):
        """An address that a colleague took away, because it was somebody else's, must not come back."""
        client.force_login(clinics.own.administrator)
        address = f"{PAGE}{website.application.pk}/"
        shown = read_shown(client.get(address).text)
        update_application(
            actor=clinics.own.administrator, application=website.application, redirect_uris=ELSEWHERE
        )
        typed = {"name": "Renamed", "redirect_uris": shown["initial-redirect_uris"]}
        assert client.post(address, {**shown, **typed}).status_code == 302
        row = OAuthApplication.objects.get()
        assert (row.name, row.redirect_uris) == ("Renamed", ELSEWHERE)

    def test_code_to_an_address_that_is_gone_is_worth_nothing(self, client, clinics, person, website):
        code = agree(client, website.application)
        update_application(
            actor=clinics.own.administrator,
            application=website.application,
            name="Records",
            redirect_uris=ELSEWHERE,
        )
        assert not Grant.objects.exists()
        assert redeem(website, code).status_code == 400

    def test_code_on_its_way_to_a_port_of_a_device_stays(self, client, clinics, person):
        made = register(clinics.own, "device", redirect_uris="http://127.0.0.1/back")
        agree(client, made.application, redirect_uri="http://127.0.0.1:5123/back")
        given = {"actor": clinics.own.administrator, "application": made.application, "name": "Renamed"}
        update_application(**given, redirect_uris="http://127.0.0.1/back")
        assert Grant.objects.count() == 1
        update_application(**given, redirect_uris="http://127.0.0.1/elsewhere")
        assert not Grant.objects.exists()

    def test_system_has_a_name_only(self, client, clinics, system):
        client.force_login(clinics.own.administrator)
        address = f"{PAGE}{system.application.pk}/"
        client.post(address, {"name": "Lab", "redirect_uris": ELSEWHERE})
        row = OAuthApplication.objects.get()
        assert (row.name, row.redirect_uris) == ("Lab", "")

    def test_app_on_a_device_may_return_to_it(self, clinics):
        made = register(clinics.own, "device", redirect_uris="http://127.0.0.1/back")
        given = {"actor": clinics.own.administrator, "application": made.application, "name": "App"}
        changed = update_application(**given, redirect_uris="http://[::1]/back")
        assert changed.redirect_uris == "http://[::1]/back"
        with pytest.raises(PeopleError) as caught:
            update_application(**given, redirect_uris="")
        assert caught.value.code == "redirect_missing"


def test_closing_is_asked_first(client, clinics, system, service):
    client.force_login(clinics.own.administrator)
    for address in (f"{PAGE}{system.application.pk}/", f"/settings/services/{service.pk}/"):
        assert f'href="{address}active/"' in client.get(address).content.decode()
        page = client.get(f"{address}active/").content.decode()
        assert "for good" in page
        assert ask_by_itself(system).status_code == 200
