"""Mails to people of the site. They need no request, and a dead mail server undoes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from django.core.mail import send_mail
from django.template.loader import render_to_string

if TYPE_CHECKING:
    from portal.accounts.models import User

log = structlog.get_logger(__name__)


def tell(person: User, template: str, context: dict[str, Any] | None = None) -> None:
    """Send `<template>_subject.txt` and `<template>_message.txt` to the address they log in with.

    `context` holds counts and addresses; no word about a patient leaves by mail.
    """
    subject = render_to_string(f"{template}_subject.txt", context).strip()
    text = render_to_string(f"{template}_message.txt", context)
    try:
        send_mail(f"[Dermaport] {subject}", text, None, [person.email])
    except OSError as error:
        log.warning("mail_not_sent", template=template, user=str(person.pk), error=type(error).__name__)
