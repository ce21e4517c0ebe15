"""The mail of an invitation.

The code stands behind the `#` of the link: a browser sends that part to no server, so it is in no
access log, no proxy's log and no referrer. A form posts it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from portal.accounts.invitations import note_undelivered

if TYPE_CHECKING:
    from django.http import HttpRequest

    from portal.accounts.invitations import Letter

log = structlog.get_logger(__name__)


def send_letter(request: HttpRequest, letter: Letter) -> bool:
    """Send the mail; False, and kept with the invitation, where the mail server didn't take it."""
    invitation = letter.invitation
    page = request.build_absolute_uri(reverse("invitation-open"))
    context = {"invitation": invitation, "page": page, "code": letter.code}
    mail = EmailMessage(
        subject=render_to_string("accounts/invitation_subject.txt", context).strip(),
        body=render_to_string("accounts/invitation_message.txt", context),
        to=[invitation.email],
    )
    try:
        mail.send()
    except OSError:
        # Without the error itself: mail servers quote the address and the letter.
        log.warning("invitation_undelivered", invitation=str(invitation.pk))
        note_undelivered(invitation=invitation)
        return False
    return True
