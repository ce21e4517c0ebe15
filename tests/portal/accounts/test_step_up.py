"""Who they are once more, before an act that counts; and nothing typed is lost on the way."""

import datetime as dt
import html
import re

import pytest
from django.utils import timezone
from knox.models import AuthToken

from classifier.models import Review
from portal.trust.audit.models import AuditEvent
from tests.factories import PASSWORD, ReviewFactory, answered_submission, staff_clinic
from tests.support.reading import seen
from tests.support.second_factor import code_of, log_in, recovery_codes_of, set_up_app

pytestmark = pytest.mark.django_db
COMMENT = 'Irregular network.\n"Second" line & <b>tags</b>'
DECISION = {
    "diagnosis": "melanoma",
    "management": "excise",
    "comment": COMMENT,
    "then": "stay",
}
TOKEN = {"name": "Tablet", "scopes": ["submissions:read"], "days": "30"}


@pytest.fixture
def staff(settings):
    settings.DERMAPORT_STEP_UP_MINUTES = 10
    return staff_clinic()


@pytest.fixture
def later(time_machine):
    return lambda minutes: time_machine.move_to(timezone.now() + dt.timedelta(minutes=minutes))


@pytest.fixture
def reader(client, staff, later):
    """A dermatologist who comes back after a pause of sixteen minutes."""
    log_in(client, staff.dermatologist)
    later(16)
    return client


@pytest.fixture
def case(staff):
    return answered_submission(staff)


def kept_in(page) -> dict[str, str]:
    """The hidden fields of the page's first form, as a browser would send them."""
    form = re.search(r"<form.*?</form>", page.content.decode(), re.DOTALL)[0]
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return {name: html.unescape(value) for name, value in pairs}


def test_password_confirms_nothing_where_passwords_are_off(reader, case, settings):
    settings.DERMAPORT_LOCAL_LOGIN = False
    address = f"/submissions/{case.pk}/review/"

    page = reader.post(address, {**DECISION, **seen(case), "step_up_password": PASSWORD})
    assert page.status_code == 403
    assert 'name="step_up_password"' not in page.text
    reader.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert reader.post(address, {**DECISION, **seen(case)}).status_code == 403
    assert not Review.objects.exists()


def test_signing_asks_and_goes_on_with_what_was_typed(reader, case):
    address = f"/submissions/{case.pk}/review/"

    page = reader.post(address, DECISION | seen(case))
    assert page.status_code == 403
    assert "Confirm it is you" in page.content.decode()
    assert "<b>tags" not in page.content.decode()
    assert not Review.objects.exists()
    kept = kept_in(page)
    assert {name: kept[name] for name in DECISION} == DECISION

    wrong = reader.post(address, {**kept, "step_up_password": "a wrong password"})
    assert "That is not your password" in wrong.content.decode()
    assert not Review.objects.exists()
    assert reader.post(address, {**kept_in(wrong), "step_up_password": PASSWORD}).status_code == 302

    assert Review.objects.get().comment.replace("\r\n", "\n") == COMMENT
    events = AuditEvent.objects.filter(action__startswith="user.confirm").order_by("position")
    assert [(event.action, event.details) for event in events] == [
        ("user.confirmation_failed", {"method": "password"}),
        ("user.confirmed", {"method": "password"}),
    ]


def test_fresh_log_in_is_enough(client, staff, case):
    log_in(client, staff.dermatologist)
    assert client.post(f"/submissions/{case.pk}/review/", DECISION | seen(case)).status_code == 302
    assert Review.objects.count() == 1


def test_confirmation_lasts_a_while(reader, case, later):
    address = f"/submissions/{case.pk}/review/"
    reader.post(address, {**DECISION, **seen(case), "step_up_password": PASSWORD})
    assert Review.objects.exists()
    later(9)
    assert reader.post("/settings/tokens/", TOKEN).status_code == 200
    later(2)
    assert reader.post("/settings/tokens/", TOKEN).status_code == 403


def test_signing_asks_once_in_a_reading_session(client, staff, later):
    """While they go on working, for four hours; every other act asks as before."""
    log_in(client, staff.dermatologist)
    for _ in range(23):
        later(10)
        client.get("/worklist/")
    signed, late = answered_submission(staff), answered_submission(staff)

    assert client.post(f"/submissions/{signed.pk}/review/", DECISION | seen(signed)).status_code == 302
    assert "Confirm it is you" in client.post("/settings/tokens/", TOKEN).content.decode()
    later(11)
    page = client.post(f"/submissions/{late.pk}/review/", DECISION | seen(late))
    assert "Confirm it is you" in page.content.decode()
    assert not late.reviews.exists()


def test_a_pause_ends_the_reading_session(reader, staff, case, later):
    """Also one that a look at a page ended already, and once confirmed it is asked no more."""
    address = f"/submissions/{case.pk}/review/"
    reader.get("/worklist/")
    later(1)
    assert "Confirm it is you" in reader.post(address, DECISION | seen(case)).content.decode()
    reader.post(address, {**DECISION, **seen(case), "step_up_password": PASSWORD})
    assert case.reviews.exists()
    later(14)
    following = answered_submission(staff)
    sent = DECISION | seen(following)
    assert reader.post(f"/submissions/{following.pk}/review/", sent).status_code == 302


def test_what_the_page_asks_by_itself_is_no_activity(client, staff, case, later):
    log_in(client, staff.dermatologist)
    client.get(f"/submissions/{case.pk}/review/")
    for _ in range(4):
        later(4)
        assert client.get(f"/submissions/{case.pk}/claim/").status_code == 200
    page = client.post(f"/submissions/{case.pk}/review/", DECISION | seen(case))
    assert "Confirm it is you" in page.content.decode()


def test_without_a_reading_session_signing_asks_as_the_others(client, staff, case, later, settings):
    settings.DERMAPORT_SIGNING_SESSION_HOURS = 0
    log_in(client, staff.dermatologist)
    later(11)
    page = client.post(f"/submissions/{case.pk}/review/", DECISION | seen(case))
    assert "Confirm it is you" in page.content.decode()


def test_to_be_asked_is_no_refusal(reader, case, caplog):
    """Neither in the audit log nor in the log; a wrong answer has its own event."""
    page = reader.post(f"/submissions/{case.pk}/review/", DECISION | seen(case))
    assert "Confirm it is you" in page.content.decode()
    assert not AuditEvent.objects.filter(action="access.refused").exists()
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]
    reader.post(f"/submissions/{case.pk}/review/", {**DECISION, "step_up_password": "wrong"})
    actions = AuditEvent.objects.values_list("action", flat=True)
    assert "user.confirmation_failed" in actions
    assert "access.refused" not in actions


@pytest.mark.parametrize("with_app", [False, True])
def test_the_cursor_stands_in_the_field(reader, staff, case, with_app):
    if with_app:
        set_up_app(staff.dermatologist)
    page = reader.post(f"/submissions/{case.pk}/review/", DECISION).content.decode()
    assert page.count("autofocus") == 1
    field = re.search(r"<input[^>]*autofocus[^>]*>", page)[0]
    assert f'name="step_up_{"code" if with_app else "password"}"' in field


def test_code_or_recovery_code_confirms(reader, staff):
    secret = set_up_app(staff.dermatologist)
    page = reader.post("/settings/tokens/", TOKEN)
    assert 'name="step_up_code"' in page.content.decode()
    wrong = reader.post("/settings/tokens/", {**TOKEN, "step_up_code": "000000"})
    assert "This code is wrong" in wrong.content.decode()
    assert reader.post("/settings/tokens/", {**TOKEN, "step_up_code": code_of(secret)}).status_code == 200
    assert AuthToken.objects.count() == 1


def test_recovery_code_confirms_once(reader, staff, later):
    set_up_app(staff.dermatologist)
    sent = {**TOKEN, "step_up_code": recovery_codes_of(staff.dermatologist)[0]}
    assert reader.post("/settings/tokens/", sent).status_code == 200
    later(11)
    assert reader.post("/settings/tokens/", sent).status_code == 403


def test_confirmations_cannot_be_guessed_at_leisure(reader):
    for _ in range(11):
        page = reader.post("/settings/tokens/", {**TOKEN, "step_up_password": "a wrong password"})
    assert "Too many tries" in page.content.decode()
    late = reader.post("/settings/tokens/", {**TOKEN, "step_up_password": PASSWORD})
    assert late.status_code == 403
    assert not AuthToken.objects.exists()


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("step_up_password", "Wait a few minutes, or set a new password by mail."),
        ("step_up_code", "Too many failed codes. Wait a few minutes, then try again."),
    ],
)
def test_page_says_how_long_to_wait(reader, staff, field, words):
    set_up_app(staff.dermatologist)
    for _ in range(6):
        page = reader.post("/settings/tokens/", {**TOKEN, field: "000000"})
    assert words in page.content.decode()


def test_amending_asks(reader, staff, case):
    review = ReviewFactory(submission=case, signed_by=staff.dermatologist)
    sent = {**DECISION, "amends": review.pk, "amendment_reason": "Histology came back."}
    assert reader.post(f"/submissions/{case.pk}/amend/", sent).status_code == 403
    assert Review.objects.count() == 1


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("/submissions/export/", {}),
        ("/settings/audit/export/", {}),
        ("/settings/tokens/", TOKEN),
        ("/settings/invitations/", {"email": "new@clinic.example", "role": "clinician"}),
        ("/settings/people/{row}/role/", {"role": "dermatologist"}),
        ("/settings/people/{row}/active/", {"active": "no"}),
        ("/settings/people/{row}/link/", {}),
        ("/settings/people/{row}/second-factor/", {}),
    ],
)
def test_exports_people_and_tokens_ask(client, staff, later, address, sent):
    log_in(client, staff.administrator)
    row = staff.clinician.memberships.get().pk
    later(11)
    page = client.post(address.format(row=row), sent)
    assert page.status_code == 403
    assert "Confirm it is you" in page.content.decode()
    answer = client.post(address.format(row=row), {**sent, "step_up_password": PASSWORD})
    assert answer.status_code in {200, 302}


def test_rights_are_asked_before_the_confirmation(client, staff, later, case):
    log_in(client, staff.clinician)
    later(11)
    for address in (f"/submissions/{case.pk}/review/", "/settings/audit/export/"):
        assert "Confirm it is you" not in client.post(address, DECISION).content.decode()


def test_reading_pages_never_asks(reader, case):
    assert reader.get(f"/submissions/{case.pk}/review/").status_code == 200
