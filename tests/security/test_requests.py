"""Requests bent out of shape: hosts, methods, parameters said twice; and what answers tell a browser."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from classifier.models import Patient
from portal.trust.accounts.models import Invitation
from tests.permissions.expectations import OK
from tests.permissions.test_matrix import call
from tests.security.targets import READS, actors_of, client_of, is_for_programs, text_of

FORGED = [
    {"Host": "evil.example"},
    {"Host": "testserver@evil.example"},
    {"Host": "testserver:80@evil.example"},
    {"Host": "testserver.evil.example"},
    {"Host": "testserver\\evil.example"},
]
IGNORED = [
    {"X-Forwarded-Host": "evil.example"},
    {"X-Host": "evil.example"},
    {"X-Original-Url": "/settings/people/"},
    {"X-Rewrite-Url": "/settings/people/"},
    {"Forwarded": "host=evil.example;proto=https"},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Server": "evil.example"},
]
PAGES = [row for row in READS if not is_for_programs(row) and not row.route.startswith("health-")]


@pytest.mark.parametrize("headers", [*FORGED, *IGNORED], ids=lambda one: next(iter(one.items()))[1])
@pytest.mark.parametrize("mail_of", ["password", "invitation", "link"])
def test_links_in_mails_lead_here(sides, headers, mail_of, django_capture_on_commit_callbacks):
    """Whatever a request calls the host: a poisoned link would hand its secret to another site."""
    world = sides.mine
    client = Client(raise_request_exception=False)
    client.force_login(world.side.own.administrator)
    acts = {
        "password": (reverse("account_reset_password"), {"email": world.side.own.clinician.email}),
        "invitation": (reverse("invitations"), {"email": "new@clinic.example", "role": "clinician"}),
        "link": (reverse("person-link", args=[world.colleague.pk]), {}),
    }
    address, data = acts[mail_of]
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(address, data, headers=headers)
    said = "\n".join(one.body for one in mail.outbox) + answer.get("Location", "") + text_of(answer)
    assert "evil.example" not in said
    if headers in FORGED:
        assert answer.status_code == 400
        assert mail.outbox == []
    for link in re.findall(r"https?://[^\s\"<>]+", "\n".join(one.body for one in mail.outbox)):
        assert link.startswith("http://testserver/"), link
    assert mail.outbox or mail_of == "link" or headers in FORGED


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT", "GET"])
def test_method_is_the_one_that_was_sent(sides, header, method):
    world = sides.mine
    client = client_of(world, "own.administrator", READS[-1])
    address = reverse("api-webhook", args=[world.webhook.pk])
    answers = [
        client.post(address, {}, content_type="application/json", headers={header: method}),
        client.post(f"{address}?_method={method}", {"_method": method}, content_type="application/json"),
    ]
    assert [answer.status_code for answer in answers] == [405, 405]
    reading = client.get(address, headers={header: method})
    assert reading.status_code == 200
    world.webhook.refresh_from_db()
    assert world.webhook.is_active


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "JEFF"])
def test_strange_methods(sides, method):
    client = client_of(sides.mine, "own.clinician", PAGES[0])
    for address in (reverse("patient-list"), "/api/v1/patients/", "/fhir/r4/Patient"):
        answer = client.generic(method, address)
        assert answer.status_code in (401, 405), (address, method)
        assert b"sessionid" not in answer.content


def test_parameter_said_twice(sides):
    """Where one part of a program reads the first and another the last, one of them is not checked."""
    mine, theirs = sides.mine, sides.theirs
    client = client_of(mine, "own.clinician", PAGES[0])
    both = [str(mine.side.own.clinic.pk), str(theirs.side.own.clinic.pk)]
    for order in (both, both[::-1]):
        answer = client.post(reverse("clinic-switch"), {"clinic": order})
        assert client.session.get("clinic") != str(theirs.side.own.clinic.pk)
        assert answer.status_code in (302, 404)
    patients = [str(mine.judged.lesion.patient_id), str(theirs.judged.lesion.patient_id)]
    program = client_of(mine, "own.clinician", READS[-1])
    count = Patient.objects.count()
    for order in (patients, patients[::-1]):
        query = "&".join(f"patient={one}" for one in order)
        for row in program.get(f"/api/v1/submissions/?{query}").json()["results"]:
            assert row["clinic"] == str(mine.side.own.clinic.pk)
        body = f'{{"patient": "{order[0]}", "patient": "{order[1]}", "body_site": "unspecified"}}'
        made = program.post("/api/v1/lesions/", body, content_type="application/json")
        assert made.status_code in (201, 400)
        assert made.status_code == 400 or made.json()["patient"] == patients[0]
    assert Patient.objects.count() == count


def test_roles_said_twice(sides):
    """The one that is checked is the one that is given."""
    client = client_of(sides.mine, "own.administrator", PAGES[0])
    statuses = []
    for n, roles in enumerate((["owner", "clinician"], ["clinician", "owner"])):
        sent = {"email": f"new{n}@clinic.example", "role": roles}
        statuses.append(client.post(reverse("invitations"), sent).status_code)
    asked = Invitation.objects.filter(email__startswith="new").values_list("email", "role")
    assert statuses == [302, 400]
    assert list(asked) == [("new0@clinic.example", "clinician")]


def test_every_page_says_how_it_may_be_used(sides):
    """No frame round it, no copy of it kept, no script of others in it."""
    wrong = []
    for row in PAGES:
        for actor in actors_of(row)[:1]:
            answer = call(client_of(sides.mine, actor, row), row, sides.mine, actor)
            policy = answer.get("Content-Security-Policy", "")
            kept = answer.get("Cache-Control", "")
            is_public = row.policy["nobody"] == OK
            checks = {
                "frame": answer.get("X-Frame-Options") == "DENY" and "frame-ancestors 'none'" in policy,
                "script": "script-src 'self'" in policy and "unsafe" not in policy.partition("style")[0],
                "base": "base-uri 'none'" in policy and "object-src 'none'" in policy,
                "type": answer.get("X-Content-Type-Options") == "nosniff",
                "kept": is_public or "no-store" in kept or ("private" in kept and "Cookie" in answer["Vary"]),
                "referrer": answer.get("Referrer-Policy") == "same-origin",
            }
            wrong += [(str(row), name) for name, holds in checks.items() if not holds]
    assert wrong == []
