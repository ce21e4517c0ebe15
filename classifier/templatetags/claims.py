"""Who reads a case until when, and what was signed of it, in words."""

from __future__ import annotations

import datetime as dt

from django import template

from classifier.cases.reading_claims import describe_claim, format_time
from classifier.cases.signing import describe_decision
from classifier.models import ReadingClaim, Review

register = template.Library()


@register.filter
def claim_words(claim: ReadingClaim) -> str:
    """Words such as "Ines Okafor is reading this case, until 14:12"."""
    return describe_claim(claim)


@register.filter
def clock(moment: dt.datetime) -> str:
    """Hour and minute: "14:12"."""
    return format_time(moment)


@register.filter
def decision_words(review: Review) -> str:
    """Words such as "melanocytic naevus, no further action"."""
    return describe_decision(review.get_diagnosis_display(), review.get_management_display())
