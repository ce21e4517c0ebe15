"""A portal that answers as a test says, and notes what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from classifier.client import Client, RetryPolicy

SITE = "https://portal.example"
TOKEN = "dp_invented"
QUICK = RetryPolicy(patience=5.0, first=0.001, longest=0.002)
Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


@dataclass
class Portal:
    """Gives its `answers` in turn, the last one for ever."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    def client(self, credentials: Any = TOKEN, retries: RetryPolicy = QUICK) -> Client:
        return Client(SITE, credentials, retries=retries, transport=httpx.MockTransport(self))

    @property
    def last(self) -> httpx.Request:
        return self.asked[-1]

    def keys(self) -> list[str | None]:
        return [request.headers.get("Idempotency-Key") for request in self.asked]


def problem(status: int, code: str, *, after: str | None = None, **more: Any) -> httpx.Response:
    body = {"type": f"/api/v1/errors/#{code}", "title": "", "status": status, "code": code, "detail": "Said."}
    return httpx.Response(
        status,
        content=json.dumps({**body, "fields": [], **more}),
        headers={"Content-Type": "application/problem+json", **({"Retry-After": after} if after else {})},
    )


def page(*rows: Any, cursor: str = "") -> httpx.Response:
    link = f"https://elsewhere.example/api/v1/x/?cursor={cursor}&page_size=1" if cursor else None
    return httpx.Response(200, json={"next": link, "previous": None, "results": list(rows)})
