"""Command `restrict_database_role`: the web's own database role may add audit events, and change none."""

import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, models, transaction

from portal.trust.audit.models import AuditAnchor, AuditChain, AuditEvent

APPEND_ONLY = (AuditEvent, AuditAnchor)
NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class Command(BaseCommand):
    help = (
        "Let a PostgreSQL role run the site but neither change nor delete audit events. Run it as the "
        "owner of the tables, again after each migrate; the site then connects as that role."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", help="made if it does not exist, without a password")
        parser.add_argument("--print", action="store_true", help="show the SQL and change nothing")

    def handle(self, *_: Any, **options: Any) -> None:
        role = options["role"]
        if connection.vendor != "postgresql":
            raise CommandError(f"expected PostgreSQL, received {connection.vendor}: it has no roles.")
        if not NAME.fullmatch(role):
            raise CommandError(f"expected a role of a-z, 0-9 and _, received {role!r}.")
        statements = write_statements(role)
        if options["print"]:
            self.stdout.write(";\n".join(statements) + ";")
            return
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        self.stdout.write(f"{role} can read and add audit events, and neither change nor delete them.")


def write_statements(role: str) -> list[str]:
    """SQL that grants `role` what the site needs and takes back what the audit log forbids."""
    make = f"CREATE ROLE {role} LOGIN"
    known = f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'"  # noqa: S608 (the name has passed NAME)
    return [
        f"DO $$ BEGIN IF NOT EXISTS ({known}) THEN {make}; END IF; END $$",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
        *(f"REVOKE UPDATE, DELETE, TRUNCATE ON {_table(model)} FROM {role}" for model in APPEND_ONLY),
        # Writers lock and move the head of their chain, and never remove one.
        f"REVOKE DELETE, TRUNCATE ON {_table(AuditChain)} FROM {role}",
    ]


def _table(model: type[models.Model]) -> str:
    return model._meta.db_table  # noqa: SLF001 (Django's documented way)
