"""The link of an invitation in a browser: its code goes to no server but by POST, and leaves the bar."""

import uuid

from tests.browser.conftest import DESK

INVITE = """
from portal.trust.accounts.people.invitations import invite
from portal.trust.accounts.models import Membership
row = Membership.objects.filter(clinic__name="Harbour Skin Clinic", role="administrator").first()
issued = invite(actor=row.user, clinic=row.clinic, email="{email}", role="clinician")
print("code=" + issued.code)
"""


def test_link_opens_the_invitation_without_showing_its_code(browser, portal):
    email = f"{uuid.uuid4().hex[:8]}@harbour.example"
    said = portal.manage("shell", "--no-imports", "-c", INVITE.format(email=email))
    code = said.split("code=")[1].split()[0]
    page = browser.new_context(base_url=portal.url, viewport=DESK).new_page()
    asked = []
    page.on("request", lambda request: asked.append((request.url, request.headers.get("referer", ""))))

    page.goto(f"/invitation/#{code}")
    page.get_by_role("button", name="Create the account").wait_for()

    assert email in page.content()
    assert "#" not in page.url
    secret = code.partition(":")[0]
    assert all(secret not in url.partition("#")[0] and secret not in referrer for url, referrer in asked)
    page.get_by_label("Name").fill("Tove Holm")
    page.get_by_label("Password", exact=True).fill("seven-quiet-herons-wade")
    page.get_by_label("Repeat the password").fill("seven-quiet-herons-wade")
    page.get_by_role("button", name="Create the account").click()
    page.get_by_text("Your account is ready").wait_for()
