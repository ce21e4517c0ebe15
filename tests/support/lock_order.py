"""Lock order: patients, lesions, cases, predictions, and the audit chain last."""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler, SQLInsertCompiler, SQLUpdateCompiler
from django.db.transaction import Atomic

from classifier.models import Lesion, Patient, Prediction, Submission
from classifier.standing import locks
from portal.trust.audit.models import AuditEvent

if TYPE_CHECKING:
    import pytest

GUARDED = (Patient, Lesion, Submission, Prediction)


class LockOrder(threading.local):
    """A spy on the database: what was locked or changed behind the audit chain.

    Who holds the chain must wait for no row, or waits for somebody who holds that row and waits for the
    chain. A row that the transaction inserted or locked before is its own. It looks at the queries of the
    ORM and not at SQL, so that SQLite, which locks no rows, finds the same faults as PostgreSQL. Each thread
    has a transaction of its own; faults are gathered from all.
    """

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        self._depth = 0
        self._forget()

    def _forget(self) -> None:
        self._held: dict[type[Any], set[Any]] = defaultdict(set)
        self._chain_taken = False

    def enter(self) -> None:
        self._depth += 1

    def leave(self) -> None:
        self._depth -= 1
        if self._depth <= 0:
            self._depth = 0
            self._forget()

    def insert(self, model: type[Any], rows: list[Any]) -> None:
        if model is AuditEvent:
            self._chain_taken = self._depth > 0
        elif model in GUARDED and self._depth:
            self._held[model].update(row.pk for row in rows)

    def lock(self, query: Query, how: str) -> None:
        model = query.model
        if model not in GUARDED or not self._depth:
            return
        plain = query.chain(klass=Query)
        plain.select_for_update = False
        plain.clear_ordering(force=True)
        plain.clear_select_clause()
        plain.select_related = False
        found = set(QuerySet(model, query=plain).values_list("pk", flat=True))
        if self._chain_taken and (late := found - self._held[model]):
            self.faults.append(f"{how} {len(late)} of {model.__name__} behind the audit chain")
        self._held[model] |= found


@contextlib.contextmanager
def watch_locks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`with watch_locks(monkeypatch) as spy:` gives a LockOrder; its `faults` are to be none."""
    spy = LockOrder([])
    select, insert, update = (
        kind.execute_sql for kind in (SQLCompiler, SQLInsertCompiler, SQLUpdateCompiler)
    )
    enter, leave = Atomic.__enter__, Atomic.__exit__

    def execute_select(self: Any, *args: Any, **options: Any) -> Any:
        if self.query.select_for_update:
            spy.lock(self.query, "locks")
        return select(self, *args, **options)

    def execute_insert(self: Any, *args: Any, **options: Any) -> Any:
        found = insert(self, *args, **options)
        spy.insert(self.query.model, self.query.objs)
        return found

    def execute_update(self: Any, *args: Any, **options: Any) -> Any:
        spy.lock(self.query, "changes")
        return update(self, *args, **options)

    def begin(self: Atomic) -> None:
        enter(self)
        spy.enter()

    def end(self: Atomic, *args: Any) -> None:
        spy.leave()
        leave(self, *args)

    with monkeypatch.context() as patch:
        for kind, spied in (
            (SQLCompiler, execute_select),
            (SQLInsertCompiler, execute_insert),
            (SQLUpdateCompiler, execute_update),
        ):
            patch.setattr(kind, "execute_sql", spied)
        patch.setattr(Atomic, "__enter__", begin)
        patch.setattr(Atomic, "__exit__", end)
        if not connection.features.has_select_for_update:
            # SQLite leaves the words out of the query; the portal then doesn't ask.
            locking = SimpleNamespace(has_select_for_update=True)
            patch.setattr(locks, "connection", SimpleNamespace(features=locking))
        yield spy
