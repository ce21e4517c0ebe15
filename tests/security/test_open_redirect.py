"""A link to the portal that ends elsewhere: every way to name where to go next."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.factories import PASSWORD, staff_clinic
from tests.permissions.expectations import OK
from tests.permissions.matrix import MATRIX
from tests.permissions.rows import Row
from tests.security.targets import actors_of, client_of, is_for_programs, text_of
from tests.support.oauth import AUTHORIZE, RETURN, ask, register
from tests.support.second_factor import code_of, set_up_app

NAMES = ["next", "redirect_to", "redirect", "return_to", "return_url", "url", "continue", "back", "target"]
TARGETS = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "\\/evil.example/",
    "https:evil.example/",
    "https:/evil.example/",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
    "//evil.example%2f..",
    "/%09/evil.example/",
    "/\t/evil.example/",
    "\n//evil.example/",
    " //evil.example/",
    "%2f%2fevil.example/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "/safe\r\nLocation: https://evil.example/",
]
PAGES = [
    row for row in MATRIX if not is_for_programs(row) and row.route not in ("oauth-token", "oauth-revoke")
]
LEADING_BACK = (
    "account_log",
    "account_re",
    "mfa_re",
    "mfa_auth",
    "mfa_login",
    "theme",
    "clinic-",
    "session-end",
)
LINK = re.compile(r'\b(?:href|src|action|formaction|hx-get|hx-post|hx-push-url|data-url)="([^"]*)"')
SCRIPT = re.compile(r"^\s*(?:javascript|data|vbscript):", re.IGNORECASE)


def leads_away(location: str) -> bool:
    """Where a browser would go: it takes a backslash for a slash, and drops tabs and line ends."""
    read = re.sub(r"[\t\r\n]", "", location.strip()).replace("\\", "/")
    if SCRIPT.match(read):
        return True
    parts = urlsplit(urljoin("http://testserver/here/", re.sub(r"^/{2,}", "//", read)))
    return parts.netloc != "testserver"


def find_ways_out(answer) -> list[str]:
    found = [answer[name] for name in ("Location", "HX-Redirect", "HX-Location", "Refresh") if name in answer]
    if answer.get("Content-Type", "").startswith("text/html"):
        found += [html.unescape(link) for link in LINK.findall(text_of(answer))]
    return [link for link in found if leads_away(link) and not link.startswith(RETURN)]


def test_reading_of_a_browser():
    """The measure itself: what leads a browser away is seen to."""
    seen = [target for target in TARGETS if leads_away(target)]
    assert len(seen) > 14
    assert not any(
        map(leads_away, ("/patients/", "?page=2", "#main", "http://testserver/", "/%2f%2fevil.example"))
    )


def attack(sides, rows: list[Row], targets: list[str]) -> list[tuple[str, ...]]:
    wrong = []
    for row in rows:
        nobody = ["nobody"] if row.policy["nobody"] == OK else []
        for actor in [*actors_of(row)[:1], *nobody]:
            for target in targets:
                with transaction.atomic():
                    client = client_of(sides.mine, actor, row)
                    client.defaults["HTTP_REFERER"] = target.strip()
                    named = dict.fromkeys(NAMES, target)
                    sent = {**named, **row.data(sides.mine, actor)}
                    address = reverse(row.route, kwargs=row.at(sides.mine))
                    if row.method == "POST":
                        # Whichever of body and address a page reads, it reads the target.
                        address = f"{address}?{urlencode(named)}"
                    answer = getattr(client, row.method.lower())(address, sent)
                    ways = find_ways_out(answer)
                    transaction.set_rollback(True)
                if ways or answer.status_code >= 500:
                    wrong.append((str(row), actor, target, *ways))
    return wrong


def test_no_page_leads_away(sides):
    """Every page and every form of the site, each with all the usual names for where to go next."""
    assert attack(sides, PAGES, ["https://evil.example/", "/\\evil.example/"]) == []


def test_pages_that_lead_back_lead_nowhere_else(sides):
    """Log-in and what belongs to it read `next`: with every spelling of another site."""
    rows = [row for row in PAGES if row.route.startswith(LEADING_BACK)]
    assert len(rows) > 12
    assert attack(sides, rows, TARGETS) == []


@pytest.mark.parametrize("target", TARGETS)
def test_log_in_with_a_second_factor(client, db, target):
    """`next` is carried from the password over the code to the page behind it."""
    person = staff_clinic().dermatologist
    secret = set_up_app(person)
    sent = {"login": person.email, "password": PASSWORD, "next": target}
    first = client.post(f"{reverse('account_login')}?{urlencode({'next': target})}", sent)
    assert first.status_code == 302
    assert not leads_away(first["Location"])
    second = client.post(first["Location"], {"code": code_of(secret), "next": target})
    assert (second.status_code, leads_away(second["Location"])) == (302, False)
    assert "_auth_user_id" in client.session


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/callback",
        "https://records.example.evil.example/callback",
        "https://records.example@evil.example/callback",
        "https://evil.example#@records.example/callback",
        "https://evil.example\\@records.example/callback",
        "//records.example/callback",
        "http://records.example/callback",
        "https://records.example:8443/callback",
        "https://records.example/callback/../evil",
        "https://records.example/callback/",
        "https://records.example/callback?next=https://evil.example",
        "https://records.example/%63allback",
        "https://records.example/callback%0d%0aLocation:%20https://evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "",
    ],
)
def test_application_is_answered_at_its_own_address_only(client, db, uri):
    staff = staff_clinic()
    application = register(staff).application
    client.force_login(staff.clinician)
    asked = ask(application, redirect_uri=uri)
    if uri:
        page = client.get(AUTHORIZE, asked)
        assert (page.status_code, "Location" in page) == (400, False)
    for answer in ({"allow": "true"}, {}):
        sent = client.post(AUTHORIZE, {**asked, **answer})
        assert (sent.status_code, "Location" in sent) == (400, False)
    # Named twice, neither is taken for the other.
    twice = client.get(f"{AUTHORIZE}?{urlencode(ask(application))}&{urlencode({'redirect_uri': uri})}")
    assert "evil" not in twice.get("Location", "")
    assert not leads_away(twice.get("Location", "/")) or twice["Location"].startswith(f"{RETURN}?")


def test_nobody_is_sent_to_the_log_in_page_of_another_site():
    """The address that asks for a log-in comes back whole, and stays a path."""
    for path in ("//evil.example/patients/", "//evil.example/patients", "//evil.example/.."):
        # Said apart: of the address itself the test's client would take the host away.
        answer = Client().get("/", PATH_INFO=path)
        assert answer.wsgi_request.path == path
        assert not leads_away(answer.get("Location", "/"))
    for path in ("/patients/?next=//evil.example", "/patients/", "/patients"):
        assert not leads_away(Client().get(path)["Location"])
