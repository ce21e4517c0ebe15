"""Immutable rows: database triggers that refuse changes to what must never change.

Model guards stop our own slips; a trigger also stops bulk SQL and a shell. Deletion is not
refused by trigger on SQLite, because emptying a test database deletes rows there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import migrations

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import StateApps

FUNCTION = """
CREATE OR REPLACE FUNCTION dermaport_refuse_change() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END;
$$ LANGUAGE plpgsql
"""

NOT_BYPASSED = "NOT EXISTS (SELECT 1 FROM common_changeexcuse)"
BYPASSABLE_FUNCTION = """
CREATE OR REPLACE FUNCTION dermaport_refuse_unexcused_change() RETURNS trigger AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM common_changeexcuse) THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END;
$$ LANGUAGE plpgsql
"""


def _create(
    table: str, when: str, *, may_bypass: bool
) -> Callable[[StateApps, BaseDatabaseSchemaEditor], None]:
    def run(_: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            condition = f"WHEN ({when})" if when else ""
            name = "dermaport_refuse_unexcused_change" if may_bypass else "dermaport_refuse_change"
            # Its % is its own, not a placeholder.
            editor.execute(BYPASSABLE_FUNCTION if may_bypass else FUNCTION, params=None)
            for event in ("UPDATE", "DELETE"):
                editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{event.lower()} ON {table}")
                editor.execute(
                    f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                    f"FOR EACH ROW {condition} EXECUTE FUNCTION {name}()"
                )
        else:
            not_bypassed = NOT_BYPASSED if may_bypass else ""
            terms = " AND ".join(f"({term})" for term in (when, not_bypassed) if term)
            condition = f"WHEN {terms}" if terms else ""
            editor.execute(
                f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW {condition} "
                f"BEGIN SELECT RAISE(ABORT, 'rows of {table} never change'); END"
            )

    return run


def _drop(table: str) -> Callable[[StateApps, BaseDatabaseSchemaEditor], None]:
    def run(_: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            for event in ("update", "delete"):
                editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{event} ON {table}")
        else:
            editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_update")

    return run


def refuse_change(table: str, *, when: str = "", may_bypass: bool = False) -> migrations.RunPython:
    """Refuse UPDATE (and DELETE on PostgreSQL) of rows of `table`, all or those `when` OLD holds.

    `may_bypass` lets `portal.trust.common.bypass.bypass_immutability` through.

    On SQLite a later migration that alters the table rebuilds it and drops its triggers: begin it
    with `allow_change` and end it with this.
    """
    return migrations.RunPython(_create(table, when, may_bypass=may_bypass), _drop(table))


def allow_change(table: str, *, when: str = "", may_bypass: bool = False) -> migrations.RunPython:
    """Take back the same `refuse_change` while a migration alters `table`; undone, it stands again."""
    return migrations.RunPython(_drop(table), _create(table, when, may_bypass=may_bypass))
