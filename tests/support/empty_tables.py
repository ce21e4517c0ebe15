"""Flush of the database after a test that commits: only tables that hold rows are emptied.

Django's own flush empties every table and then makes all content types and permissions again, which takes longer
than most tests that commit. Those two tables say what the code says, and stay.
"""

from __future__ import annotations

from typing import Any

from django.core.management.color import no_style
from django.db import connections

SAME_FOR_ALL = {"django_content_type", "auth_permission"}


def empty_tables(case: Any) -> None:
    """Take the place of `TransactionTestCase._fixture_teardown`."""
    for name in case._databases_names(include_mirrors=False):
        connection = connections[name]
        tables = list_filled_tables(connection)
        if tables:
            # On PostgreSQL a table can't be emptied alone while another, if empty, names its rows.
            cascade = connection.vendor == "postgresql"
            flush = connection.ops.sql_flush(no_style(), tables, allow_cascade=cascade)
            connection.ops.execute_sql_flush(flush)


def list_filled_tables(connection: Any) -> list[str]:
    known = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
    quote = connection.ops.quote_name
    asked = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})"
        for table in sorted(known - SAME_FOR_ALL)
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return [table for (table,) in cursor.fetchall()]
