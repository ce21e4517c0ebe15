"""A database and a broker of one's own on the PostgreSQL and Redis that the environment names."""

import os
import secrets
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg import sql

REDIS_DATABASE = 9


class LiveServices:
    def __init__(self, database_url: str, redis_url: str) -> None:
        self._admin_url = database_url
        self._name = f"dermaport_live_{secrets.token_hex(4)}"
        self.database_url = urlsplit(database_url)._replace(path=f"/{self._name}").geturl()
        self.redis_url = urlsplit(redis_url)._replace(path=f"/{REDIS_DATABASE}").geturl()

    @classmethod
    def from_environment(cls) -> Self | None:
        database, broker = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
        if not database.startswith("postgres") or not broker:
            return None
        return cls(database, broker)

    def create(self) -> dict[str, str]:
        self._administrate(sql.SQL("CREATE DATABASE {}"))
        self._redis().flushdb()
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    def drop(self) -> None:
        self._administrate(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)"))
        self._redis().flushdb()

    def break_broker(self) -> None:
        """Forget every message and cut every connection, as a broker that died would."""
        client = self._redis()
        client.flushdb()
        client.client_kill_filter(_type="normal", skipme=True)

    def query(self, text: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(text, parameters).fetchall()

    def _administrate(self, command: sql.SQL) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(command.format(sql.Identifier(self._name)))

    def _redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis_url)
