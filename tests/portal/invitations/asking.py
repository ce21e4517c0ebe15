"""Invite, open the code of a mail, answer."""

import re

from django.urls import reverse

from portal.trust.accounts.models import Membership
from portal.trust.accounts.people.invitations import invite

PASSWORD = "seven-quiet-herons-wade"
NEW = "tove.holm@clinic.example"


def ask(clinics, email=NEW, role="clinician", **more):
    return invite(actor=clinics.own.administrator, clinic=clinics.own.clinic, email=email, role=role, **more)


def send_by_page(client, clinics, email=NEW, **more):
    client.force_login(clinics.own.administrator)
    answer = client.post(reverse("invitations"), {"email": email, "role": "clinician", **more}, follow=True)
    client.logout()
    return answer


def code_in(message):
    return re.search(r"#(\S+)", message.body).group(1)


def open_code(client, code):
    return client.post(reverse("invitation-open"), {"code": code})


def set_password(client, **changes):
    fields = {"full_name": "Tove Holm", "password1": PASSWORD, "password2": PASSWORD, **changes}
    return client.post(reverse("invitation-accept"), fields)


def membership_of(staff, user):
    return Membership.objects.filter(clinic=staff.clinic, user=user).first()


class DeadMail:
    def __init__(self, **_):
        pass

    def send_messages(self, _):
        raise ConnectionRefusedError("no mail server")
