"""Words that people wrote, in every page: as text, never as markup. The browser's view: test_stored_xss."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils.html import escape

from classifier.models import Prediction
from portal.trust.accounts.models import Clinic, User
from tests.permissions.rows import JUDGED, PREDICTION
from tests.permissions.world import build_world
from tests.security.hostile import ELEMENT, LONG, SHORT, find_injected, list_text_fields, plant
from tests.security.targets import READS, WRITES, actors_of, client_of, is_for_programs, text_of

PAGES = [row for row in READS if not is_for_programs(row)]
FORMS = [row for row in WRITES if not is_for_programs(row) and not row.route.startswith("oauth-")]
# What stands in LONG before its sum, and then the sum: a template that was made of words and run.
CALCULATED = "&lt;/script&gt;49"


def test_measure_sees_what_it_should():
    assert set(find_injected(f"<p>{LONG}</p>")) >= {ELEMENT, "script", "svg onload", "img onerror"}
    assert find_injected('<a href=" javascript:x">') == ["a href= javascript:x"]
    assert find_injected(f'<p title="{LONG.replace("<", "&lt;").replace(chr(34), "&quot;")}">') == []
    assert CALCULATED in escape(LONG.replace("{{7*7}}", "49"))


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


def list_places(row, world):
    """A page is another one where the case failed or was signed, and where no map could be made."""
    signed = Prediction.objects.filter(image__submission=world.reviewed)
    others = {JUDGED: (world.failed, world.reviewed), PREDICTION: signed}
    return [row.at(world), *({"pk": other.pk} for other in others.get(row.at, ()))]


def test_stored(db, stores, no_outside):
    """Every page, for everybody who may see it."""
    world = build_world()
    plant(world)
    assert ELEMENT in Clinic.objects.first().name
    assert ELEMENT in User.objects.first().full_name
    wrong, shown = [], 0
    for row, at in [(one, at) for one in PAGES for at in list_places(one, world)]:
        for actor in actors_of(row):
            with transaction.atomic():
                client = client_of(world, actor, row)
                data = {} if row.route == "oauth-authorize" else row.data(world, actor)
                answer = client.get(reverse(row.route, kwargs=at), data)
                transaction.set_rollback(True)
            if not answer.get("Content-Type", "").startswith("text/html"):
                continue
            html = text_of(answer)
            shown += html.count(f"&lt;{ELEMENT}")
            if found := find_injected(html):
                wrong.append((str(row), actor, found))
            if answer.status_code >= 500 or CALCULATED in html:
                wrong.append((str(row), actor, answer.status_code))
    assert wrong == []
    assert shown > 200, "the words are on the pages, as text"


def test_reflected(db, stores, no_outside):
    """Every form that comes back with what was typed, and every address with what it asked for.

    Also a page behind the form: a search is kept with the session and stands there.
    """
    world = build_world()
    wrong, shown = [], 0
    for row in [*FORMS, *PAGES]:
        for actor in actors_of(row)[:1]:
            with transaction.atomic():
                client = client_of(world, actor, row)
                given = row.data(world, actor)
                typed = {
                    name: value if name in KEPT else WORDS.get(name, LONG) for name, value in given.items()
                }
                more = dict.fromkeys(
                    ("next", "page", "patient", "site", "state", "since", "sort", "code"), LONG
                )
                answer = getattr(client, row.method.lower())(
                    reverse(row.route, kwargs=row.at(world)),
                    {**more, **typed},
                    headers={"Referer": LONG[:40]},
                    follow=True,
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
# A search takes a few letters, and nothing of what is longer.
WORDS = {"word": SHORT, "words": SHORT}
