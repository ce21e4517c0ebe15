"""A database and a broker of one's own on the PostgreSQL and Redis that the environment names."""

import os
import secrets
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg import sql

from tests.support.migrated_database import create_migrated

# Redis has sixteen databases; what is asked of it outside a running stack goes to the first.
REDIS_DATABASES = range(1, 16)


class LiveServices:
    def __init__(self, database_url: str, redis_url: str) -> None:
        self._admin_url = database_url
        self._name = f"dermaport_live_{secrets.token_hex(4)}"
        self._number, self._claim = 0, ""
        self.database_url = urlsplit(database_url)._replace(path=f"/{self._name}").geturl()
        self._broker_url = redis_url
        self.redis_url = ""

    @classmethod
    def from_environment(cls) -> Self | None:
        database, broker = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
        if not database.startswith("postgres") or not broker:
            return None
        return cls(database, broker)

    def create(self) -> dict[str, str]:
        create_migrated(self._admin_url, self._name)
        self._claim_broker()
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    def drop(self) -> None:
        self._administrate(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)"))
        self._redis().flushdb()
        self._claims().delete(self._claim)

    def break_broker(self) -> None:
        """Forget every message and cut every connection, as a broker that died would."""
        client = self._redis()
        client.flushdb()
        for other in client.client_list(_type="normal"):
            if other["db"] == str(self._number) and other["id"] != str(client.client_id()):
                client.client_kill_filter(_id=other["id"])

    def query(self, text: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(text, parameters).fetchall()

    def _administrate(self, command: sql.SQL) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(command.format(sql.Identifier(self._name)))

    def _claim_broker(self) -> None:
        """Take a database that no other stack has: a foreign worker would eat this one's messages."""
        for number in REDIS_DATABASES:
            if self._claims().set(f"live-stack-{number}", self._name, nx=True):
                self._number, self._claim = number, f"live-stack-{number}"
                self.redis_url = urlsplit(self._broker_url)._replace(path=f"/{number}").geturl()
                self._redis().flushdb()
                return
        raise AssertionError(f"All of {len(REDIS_DATABASES)} Redis databases are taken by running stacks.")

    def _claims(self) -> redis.Redis:
        return redis.Redis.from_url(self._broker_url)

    def _redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis_url)
