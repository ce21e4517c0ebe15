"""What a row of the matrix says, and the rows of the world that addresses lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.permissions import expectations as may
from tests.permissions.world import World


@dataclass(frozen=True)
class Row:
    route: str
    method: str
    policy: may.Policy
    status: int = 200
    """What those get who may."""
    at: Callable[[World], dict[str, Any]] = field(default=lambda _: {})
    """Arguments of the address."""
    data: Callable[[World, str], dict[str, Any]] = field(default=lambda *_: {})
    """What is sent, by actor."""

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


def pk(find: Callable[[World], Any]) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"pk": find(world).pk}


JUDGED = pk(lambda w: w.judged)
REVIEWED = pk(lambda w: w.reviewed)
FAILED = pk(lambda w: w.failed)
IMAGE = pk(lambda w: w.image)
PREDICTION = pk(lambda w: w.prediction)
REVIEW = pk(lambda w: w.review)
DONE = pk(lambda w: w.acknowledgement)
OUTCOME = pk(lambda w: w.outcome)
LESION = pk(lambda w: w.judged.lesion)
PATIENT = pk(lambda w: w.judged.lesion.patient)
COLLEAGUE = pk(lambda w: w.colleague)
WEBHOOK = pk(lambda w: w.webhook)
DELIVERY = pk(lambda w: w.delivery)
STAY = pk(lambda w: w.stay)
ACCESS = pk(lambda w: w.access)
INVITATION = pk(lambda w: w.issued_invitation.invitation)
SERVICE = pk(lambda w: w.service)
APPLICATION = pk(lambda w: w.application)


def ON_TRIAL(world: World) -> dict[str, Any]:  # noqa: N802 (stands beside the rows above)
    """A version is every clinic's; so its id gives nothing away."""
    return {"version": world.trial.pk}


# The other clinic has nothing that this version judged on trial.


def sent(**fields: Any) -> Callable[[World, str], dict[str, Any]]:
    return lambda *_: fields
