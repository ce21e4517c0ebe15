from __future__ import annotations

from classifier.drf.permissions import MayViewCases
from portal.accounts.roles import Action


class MayAdminister(MayViewCases):
    """The trail says what people did; it is read by those who answer for them."""

    action = Action.ADMINISTER
    message = "Only a clinic's administrators may read its trail."
