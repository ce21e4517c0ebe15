"""Keep the words of a form that was sent after idleness had ended the session, and give them back.

A page with script covers itself and keeps them in the browser; without script they would be lost.
They lie sealed in the database, bound to the person, until they are sent, forgotten or too old.
Files are never kept.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.models import KeptForm, Membership
from portal.audit.services import record_event
from portal.common.sealing import seal, unseal

if TYPE_CHECKING:
    from portal.accounts.models import User

    Fields = list[tuple[str, str]]

MOST_CHARACTERS = 64 * 1024


@dataclass(frozen=True)
class GivenBack:
    key: uuid.UUID
    path: str
    fields: Fields = field(repr=False)


def keep_form(*, person: User, path: str, fields: Fields) -> bool:
    """Keep `fields` for `person` in place of what was kept before; False where that is not done."""
    text = json.dumps(fields)
    limit = KeptForm._meta.get_field("path").max_length or 0  # noqa: SLF001
    if len(text) > MOST_CHARACTERS or len(path) > limit:
        return False
    sealed = seal(text.encode(), purpose=_purpose(person))
    until = timezone.now() + dt.timedelta(minutes=settings.DERMAPORT_KEPT_FORM_MINUTES)
    try:
        with transaction.atomic():
            KeptForm.objects.filter(user=person).delete()
            KeptForm.objects.create(user=person, path=path, sealed=sealed, expires_at=until)
            _record(person, "user.form_kept", fields)
    except IntegrityError:
        # Two came at the same moment: the other one is kept.
        return False
    return True


def has_kept_form(person: User) -> bool:
    return KeptForm.objects.filter(user=person, expires_at__gt=timezone.now()).exists()


def give_back(*, person: User) -> GivenBack | None:
    """What is kept for `person`, as long as its time is not over; looking at it leaves an event."""
    with transaction.atomic():
        row = KeptForm.objects.filter(user=person, expires_at__gt=timezone.now()).first()
        text = unseal(row.sealed, purpose=_purpose(person)) if row else None
        if row is None or text is None:
            return None
        fields = [(str(name), str(value)) for name, value in json.loads(text)]
        _record(person, "user.form_given_back", fields)
    return GivenBack(row.pk, row.path, fields)


def forget_form(*, person: User, key: str | uuid.UUID) -> None:
    """Erase what was kept: it is being sent, or is not wanted any more. No key, nothing happens."""
    try:
        pk = uuid.UUID(str(key))
    except ValueError:
        return
    KeptForm.objects.filter(pk=pk, user=person).delete()


def forget_forms_of_clinic(clinic_id: uuid.UUID) -> int:
    """Erase what is kept for anybody of this clinic: a patient is erased, and any of it may name them."""
    people = Membership.objects.filter(clinic_id=clinic_id).order_by().values("user")
    return KeptForm.objects.filter(user__in=people).delete()[0]


def forget_old_forms() -> int:
    return KeptForm.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def _purpose(person: User) -> str:
    """A row that is moved to somebody else doesn't open."""
    return f"dermaport kept form of {person.pk}"


def _record(person: User, action: str, fields: Fields) -> None:
    record_event(clinic_id=None, action=action, actor=person, obj=person, details={"fields": len(fields)})
