"""Claim engine: claim, renew, finish, give back and reconcile the rows of one table.

The queue is a table, and a Celery message only wakes a worker. Every step is a compare-and-set: a
conditional UPDATE whose row count says who won, so that lost, doubled and late messages, and
workers killed at any moment, change nothing. A claim is a random id written into the row together
with who holds it and until when (the lease); an answer counts only while that id still stands there.

Whoever changes several rows locks them in the order of their ids. What has to be locked before them,
and the audit chain after them, is the business of the queue that uses this (`lock_before`, `note_failed`).
"""

from __future__ import annotations

import datetime as dt
import uuid
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from classifier.claims.identity import list_dead_holders, worker_id
from classifier.claims.wake_ups import send_wake_up, wake_on_commit
from classifier.domain.states import LEGAL_MOVES, PredictionState, transition
from classifier.models.claimable import Claimable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from django.db.models import QuerySet, TextChoices

log = structlog.get_logger(__name__)

Row = TypeVar("Row", bound=Claimable)


class OutageError(Exception):
    """What the work needs is away: the row is not at fault, and keeps its attempt."""


class Returned(NamedTuple):
    """How many rows went back to the queue, and how many had no try left."""

    queued: int
    failed: int


class Claims(ABC, Generic[Row]):
    """The claims on the rows of one model; a subclass names the model, its states and its task."""

    model: type[Row]
    name: ClassVar[str]
    """Of the rows, in the log."""
    task: ClassVar[str]
    """Whom to wake for them."""
    waiting: ClassVar[TextChoices] = PredictionState.QUEUED
    held: ClassVar[TextChoices] = PredictionState.RUNNING
    failed: ClassVar[TextChoices] = PredictionState.FAILED
    moves: ClassVar[Mapping[Any, frozenset[Any]]] = LEGAL_MOVES
    began: ClassVar[str] = "started_at"
    """The column that says when the present try began."""

    # --- what a subclass decides ---

    def is_spent(self, row: Row) -> bool:
        """Whether `row`, given back after a try, has no try left."""
        most: int = settings.DERMAPORT_MAX_ATTEMPTS
        return row.attempt >= most

    def lock_before(self, rows: QuerySet[Row], *, is_tried: bool) -> None:
        """Lock what comes before `rows` in the lock order, because it changes where they fail."""

    def describe_return(self, now: dt.datetime) -> dict[str, Any]:  # noqa: ARG002
        """Further values of a row that goes back to the queue."""
        return {}

    @abstractmethod
    def describe_failure(self, row: Row, reason: str) -> dict[str, Any]:
        """Further values of a row that has no try left: its error code and message."""

    def note_failed(self, rows: Sequence[Row]) -> None:
        """What follows, in the same transaction, where `rows` had no try left: events, audit."""

    def has_work(self) -> bool:
        """Whether the reconciler wakes a worker.

        Also for held rows: a worker that lost its database while it answered still holds them, and
        gives them back when it is woken.
        """
        return self._rows().filter(state__in=[self.waiting, self.held]).exists()

    # --- claiming ---

    def take(self, keys: Collection[uuid.UUID], *, worker: str) -> QuerySet[Row]:
        """Claim for `worker` those of `keys` that still wait; return the rows that it got.

        Call it in a transaction that has locked them, so that two who look at once share no row.
        """
        now = timezone.now()
        claim = uuid.uuid4()
        self._move(
            self._rows().filter(pk__in=keys),
            source=self.waiting,
            target=self.held,
            attempt=F("attempt") + 1,
            claim=claim,
            worker=worker,
            lease_until=_end_of_lease(now),
            **{self.began: now},
        )
        return self._rows().filter(pk__in=keys, claim=claim)

    def renew(self, rows: Sequence[Row]) -> int:
        """Heartbeat: begin the lease of `rows` anew; return how many claims still stand."""
        own = self.select_own(rows).filter(state=self.held)
        return own.update(lease_until=_end_of_lease(timezone.now()))

    # --- finishing ---

    def select_held(self) -> QuerySet[Row]:
        """Every row that somebody holds."""
        return self._rows().filter(state=self.held)

    def select_own(self, rows: Sequence[Row]) -> QuerySet[Row]:
        """Those of `rows` whose claim is still the one under which they were taken."""
        return self._rows().filter(pk__in=[row.pk for row in rows], claim__in={row.claim for row in rows})

    def lock(self, rows: QuerySet[Row]) -> dict[uuid.UUID, Row]:
        """Lock those of `rows` that are held, in the order of their ids; call it in a transaction."""
        return {row.pk: row for row in rows.filter(state=self.held).order_by("pk").select_for_update()}

    def finish(self, rows: Sequence[Row], *, target: TextChoices, **values: Any) -> int:
        """Move `rows` of one claim to `target` if it still stands; return how many that were.

        Those whose claim is lost are somebody else's by now: the answer comes too late and is
        refused. `target` may also be the waiting state: then they are tried again.
        """
        if len({row.claim for row in rows}) != 1:
            raise ValueError("expected rows of one claim")
        ended: dict[str, Any] = {"lease_until": None}
        if target == self.waiting:
            ended |= {"claim": None, "worker": ""}
        else:
            ended["finished_at"] = timezone.now()
        return self._move(self.select_own(rows), source=self.held, target=target, **ended, **values)

    # --- giving back ---

    def give_back(self, rows: QuerySet[Row], *, reason: str, is_tried: bool = True) -> Returned:
        """Return held `rows` to the queue, or fail those that have no try left.

        `rows` must be narrowed to claims that are truly over (own, expired, dead) by conditions on
        the row itself. `is_tried=False` takes the attempt back: what went wrong was not the row.
        """
        now = timezone.now()
        with transaction.atomic():
            self.lock_before(rows, is_tried=is_tried)
            locked = self.lock(rows)
            spent = [row for row in locked.values() if is_tried and self.is_spent(row)]
            queued = self._move(
                self._rows().filter(pk__in=locked.keys() - {row.pk for row in spent}),
                source=self.held,
                target=self.waiting,
                claim=None,
                worker="",
                lease_until=None,
                attempt=F("attempt") - int(not is_tried),
                **self.describe_return(now),
            )
            for row in spent:
                self._move(
                    self._rows().filter(pk=row.pk),
                    source=self.held,
                    target=self.failed,
                    finished_at=now,
                    lease_until=None,
                    **self.describe_failure(row, reason),
                )
            if spent:
                self.note_failed(spent)
        if locked:
            event = f"{self.name}_given_back"
            log.warning(event, reason=reason, queued=queued, failed=len(spent))
        return Returned(queued, len(spent))

    def give_back_own(self, reason: str, *, is_tried: bool = True) -> None:
        """Give back what this process holds. It runs one task at a time, so all of that is over."""
        own = self.select_held().filter(worker=worker_id())
        if own.exists():
            self.give_back(own, reason=reason, is_tried=is_tried)

    def give_back_dead(self) -> Returned:
        """Give back what processes of this machine held that are no longer alive."""
        dead = list_dead_holders(self.select_held())
        if not dead:
            return Returned(0, 0)
        return self.give_back(self.select_held().filter(worker__in=dead), reason="its worker died")

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Work in this block: whatever stops it, this process holds nothing afterwards.

        An error gives back what is held and is raised: an outage (`OutageError`) leaves the rows
        their attempt, anything else costs it.
        """
        self.give_back_own("its worker lost touch")
        try:
            yield
        except OutageError as error:
            self.give_back_own(str(error), is_tried=False)
            raise
        except BaseException as error:
            self.give_back_own(f"{type(error).__name__} stopped it")
            raise

    def reconcile(self) -> Returned:
        """Give back expired leases and those of dead processes here; wake workers if work waits."""
        expired = self.select_held().filter(lease_until__lt=timezone.now())
        found = [self.give_back(expired, reason="its lease ran out"), self.give_back_dead()]
        if self.has_work():
            self.wake()
        return Returned(sum(one.queued for one in found), sum(one.failed for one in found))

    # --- waking ---

    def wake(self) -> None:
        """Wake a worker now; where that fails, leave it to the reconciler."""
        send_wake_up(self.task)

    def wake_on_commit(self) -> None:
        """Wake a worker once this transaction is committed."""
        wake_on_commit(self.task)

    def _rows(self) -> QuerySet[Row]:
        return self.model._default_manager.all()  # noqa: SLF001 (Django's own name for it)

    def _move(self, rows: QuerySet[Row], *, source: TextChoices, target: TextChoices, **values: Any) -> int:
        return transition(rows, source=source, target=target, moves=self.moves, **values)


def _end_of_lease(now: dt.datetime) -> dt.datetime:
    return now + dt.timedelta(seconds=settings.DERMAPORT_LEASE_SECONDS)
