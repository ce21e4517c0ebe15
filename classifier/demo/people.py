"""Two invented clinics with one person in every role."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from portal.trust.accounts.models import Clinic, Membership, User
from portal.trust.accounts.roles import Role
from portal.trust.audit.services import record_event


@dataclass(frozen=True)
class DemoPerson:
    email: str
    full_name: str
    role: Role
    clinic: str


HARBOUR, HILLSIDE = "Harbour Skin Clinic", "Hillside Practice"

PEOPLE = [
    DemoPerson("clinician@harbour.example", "Noor Ferrant", Role.CLINICIAN, HARBOUR),
    DemoPerson("dermatologist@harbour.example", "Ada Lindqvist", Role.DERMATOLOGIST, HARBOUR),
    DemoPerson("administrator@harbour.example", "Ruben Castell", Role.ADMINISTRATOR, HARBOUR),
    DemoPerson("integration@harbour.example", "Harbour records system", Role.INTEGRATION, HARBOUR),
    DemoPerson("clinician@hillside.example", "Imre Valk", Role.CLINICIAN, HILLSIDE),
    DemoPerson("dermatologist@hillside.example", "Sade Okonjo", Role.DERMATOLOGIST, HILLSIDE),
    DemoPerson("administrator@hillside.example", "Mira Tansley", Role.ADMINISTRATOR, HILLSIDE),
    DemoPerson("integration@hillside.example", "Hillside records system", Role.INTEGRATION, HILLSIDE),
]
OPERATOR_EMAIL = "operator@dermaport.example"
LOG_INS_FILE = "demo-log-ins.txt"


def create_people() -> bool:
    """Create clinics, people and an operator once; return whether anything was made.

    The password is drawn anew for each installation and written beside the database, so that
    no known password opens any Dermaport.
    """
    if User.objects.filter(email=OPERATOR_EMAIL).exists():
        return False
    # Four short groups: easy to type from a terminal to a phone.
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    with transaction.atomic():
        for person in PEOPLE:
            clinic, _ = Clinic.objects.get_or_create(name=person.clinic)
            user = User.objects.create_user(person.email, password, full_name=person.full_name)
            Membership.objects.create(user=user, clinic=clinic, role=person.role)
            record_event(
                clinic_id=clinic.pk,
                action="membership.created",
                obj=user,
                details={"role": person.role.value},
            )
        User.objects.create_user(OPERATOR_EMAIL, password, full_name="Olu Brandt", is_staff=True)
        _write_log_ins(password)
    return True


def _write_log_ins(password: str) -> None:
    width = max(len(person.email) for person in PEOPLE) + 2
    lines = ["Demo log-ins (invented people; DERMAPORT_DEMO=0 starts without them):"]
    lines += [
        f"  {person.email:<{width}} {person.role.label}, {person.clinic}"
        for person in PEOPLE
        if person.role != Role.INTEGRATION
    ]
    lines += [
        f"  {OPERATOR_EMAIL:<{width}} Operator, status page",
        f"  Password for all: {password}",
    ]
    path = Path(settings.VAR_DIR) / LOG_INS_FILE
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")
