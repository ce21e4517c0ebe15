"""Daily mail: what is overdue, to a clinic's administrators: counts and a link, nothing of a patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from classifier.cases.follow_up import overdue_orders, overdue_unread
from classifier.models import Submission
from portal.trust.accounts.login.adapter import notify
from portal.trust.accounts.models import Clinic, User
from portal.trust.accounts.models.membership import Membership
from portal.trust.accounts.roles import Role

if TYPE_CHECKING:
    from django.db.models import QuerySet


def notify_overdue() -> int:
    """Write to every administrator of each clinic in which something is overdue; return how many mails.

    Called once a day. What was told yesterday and is still open is told again.
    """
    now, sent = timezone.now(), 0
    for clinic in Clinic.objects.all():
        cases = Submission.objects.filter(clinic=clinic, lesion__patient__erased_at__isnull=True)
        orders = cases.filter(overdue_orders(now)).count()
        unread = cases.filter(overdue_unread(clinic, now)).count()
        if not orders and not unread:
            continue
        context = {
            "clinic": clinic,
            "orders": orders,
            "unread": unread,
            "home": settings.DERMAPORT_SITE_URL + reverse("home"),
        }
        for person in list_administrators(clinic):
            notify(person, "classifier/mail/overdue", context)
            sent += 1
    return sent


def list_administrators(clinic: Clinic) -> QuerySet[User]:
    """People who administer the clinic now."""
    held = Membership.objects.active().filter(clinic=clinic, role=Role.ADMINISTRATOR)
    return User.objects.filter(is_active=True, memberships__in=held).order_by("pk")
