"""A review as it comes over the API, made into what the service signs."""

from __future__ import annotations

from typing import Any

from classifier.services.reviews import Decision


def make_decision(facts: dict[str, Any]) -> Decision:
    """Agreement with the model follows from the diagnosis; what older clients send of it isn't used."""
    return Decision(
        diagnosis=facts["diagnosis"],
        management=facts["management"],
        comment=facts["comment"],
        unseen_reason=facts.get("unseen_reason", ""),
    )
