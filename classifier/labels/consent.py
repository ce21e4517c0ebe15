"""Consent labels: how a consent came into the portal, in the words of pages, audit log and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.domain.vocabulary import ConsentOrigin

if TYPE_CHECKING:
    from classifier.models import Consent


def format_origin(origin: str, recorded_in: str = "") -> str:
    """Such as "ticked by default" and "recorded in NAME"; empty where somebody chose it here."""
    if origin == ConsentOrigin.DEFAULT:
        return "ticked by default"
    if origin == ConsentOrigin.ELSEWHERE:
        return f"recorded in {recorded_in or 'another system'}"
    return ""


def label_origin(consent: Consent) -> str:
    """The same of a row, by the name that its clinic gives today."""
    return format_origin(consent.origin, consent.patient.clinic.consent_recorded_in)
