"""Words that people wrote, in every page: as text, never as markup. The browser's view: test_stored_xss."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse

from portal.accounts.models import Clinic, User
from tests.permissions.world import build_world
from tests.security.hostile import ELEMENT, LONG, find_injected, list_text_fields, plant
from tests.security.targets import READS, WRITES, actors_of, client_of, is_for_programs, text_of

PAGES = [row for row in READS if not is_for_programs(row)]
FORMS = [row for row in WRITES if not is_for_programs(row) and not row.route.startswith("oauth-")]


def test_measure_sees_what_it_should():
    assert set(find_injected(f"<p>{LONG}</p>")) >= {ELEMENT, "script", "svg onload", "img onerror"}
    assert find_injected('<a href=" javascript:x">') == ["a href= javascript:x"]
    assert find_injected(f'<p title="{LONG.replace("<", "&lt;").replace(chr(34), "&quot;")}">') == []


def test_every_text_of_people_is_among_them():
    names = {f"{field.model.__name__}.{field.name}" for field in list_text_fields()}
    assert {
        *("User.full_name", "Clinic.name", "Patient.mrn", "Lesion.note", "Submission.clinical_question"),
        *(
            "Submission.clinical_history",
            "SubmissionImage.original_name",
            "Review.comment",
            "Outcome.comment",
        ),
        *("Review.amendment_reason", "Outcome.correction_reason", "EmergencyAccess.reason"),
        *("WebhookEndpoint.url", "WebhookEndpoint.description", "WebhookDelivery.answer", "ApiToken.name"),
        *("OAuthApplication.name", "OAuthApplication.redirect_uris", "Prediction.error_message"),
    } <= names


def test_stored(db, stores, no_outside):
    """Every page, for everybody who may see it."""
    world = build_world()
    plant(world)
    assert ELEMENT in Clinic.objects.first().name
    assert ELEMENT in User.objects.first().full_name
    wrong, shown = [], 0
    for row in PAGES:
        for actor in actors_of(row):
            with transaction.atomic():
                client = client_of(world, actor, row)
                data = {} if row.route == "oauth-authorize" else row.data(world, actor)
                answer = client.get(reverse(row.route, kwargs=row.at(world)), data)
                transaction.set_rollback(True)
            if not answer.get("Content-Type", "").startswith("text/html"):
                continue
            html = text_of(answer)
            shown += html.count(f"&lt;{ELEMENT}")
            if found := find_injected(html):
                wrong.append((str(row), actor, found))
            if answer.status_code >= 500 or "49" in html.partition("{{7*")[0][-3:]:
                wrong.append((str(row), actor, answer.status_code))
    assert wrong == []
    assert shown > 200, "the words are on the pages, as text"


def test_reflected(db, stores, no_outside):
    """Every form that comes back with what was typed, and every address with what it asked for."""
    world = build_world()
    wrong, shown = [], 0
    for row in [*FORMS, *PAGES]:
        for actor in actors_of(row)[:1]:
            with transaction.atomic():
                client = client_of(world, actor, row)
                given = row.data(world, actor)
                typed = {name: value if name in KEPT else LONG for name, value in given.items()}
                more = dict.fromkeys(
                    ("next", "page", "patient", "site", "state", "since", "sort", "code"), LONG
                )
                answer = getattr(client, row.method.lower())(
                    reverse(row.route, kwargs=row.at(world)),
                    {**more, **typed},
                    headers={"Referer": LONG[:40]},
                )
                transaction.set_rollback(True)
            if not answer.get("Content-Type", "").startswith("text/html"):
                continue
            html = text_of(answer)
            shown += ELEMENT in html
            if found := find_injected(html):
                wrong.append((str(row), actor, found))
            if answer.status_code >= 500:
                wrong.append((str(row), actor, answer.status_code))
    assert wrong == []
    assert shown > 5


KEPT = ("clinic", "images", "image", "request_key")
