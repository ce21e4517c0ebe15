"""A patient with words that stand nowhere else, and everything that might repeat them."""

from __future__ import annotations

import functools
import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import kombu
import pytest
import structlog
from celery import Celery
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from knox.models import AuthToken

from portal.celery import app
from tests.factories import TwoClinics, active_model, draw_jpeg, two_clinics

NAME = "Zebedee-Quillfeather"
MRN = "MRN-QUILL-5577"
HISTORY = "Zebedee Quillfeather noticed it while gardening"
QUESTION = "Has Zebedee a melanoma"
NOTE = "beside Zebedee's scar"
FILE = f"{NAME}.jpg"
CANARIES = re.compile(r"zebedee|quillfeather|QUILL-5577|gardening", re.IGNORECASE)
ADDRESS = re.compile(r'\b(?:href|src|action|formaction|hx-[a-z-]+|data-url|content)="([^"]*)"')


def find_canaries(text: str) -> list[str]:
    """Each canary with what stands round it."""
    return [text[max(0, m.start() - 60) : m.end() + 40] for m in CANARIES.finditer(text)]


def picture(seed: int = 3) -> SimpleUploadedFile:
    return SimpleUploadedFile(FILE, draw_jpeg(seed), "image/jpeg")


@dataclass
class Watch:
    """What left the process: log lines, messages to the broker, addresses."""

    log: io.StringIO = field(default_factory=io.StringIO)
    messages: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def note(self, response: HttpResponse) -> HttpResponse:
        """Keep every address that an answer sends or shows."""
        for name in (
            "Location",
            "Content-Location",
            "HX-Redirect",
            "HX-Push-Url",
            "Link",
            "Content-Disposition",
        ):
            if name in response:
                self.addresses.append(f"{name}: {response[name]}")
        if response.get("Content-Type", "").startswith("text/html"):
            self.addresses += ADDRESS.findall(response.content.decode())
        return response

    def leaks(self) -> dict[str, list[str]]:
        found = {
            "log": find_canaries(self.log.getvalue()),
            "messages": find_canaries("\n".join(self.messages)),
            "addresses": find_canaries("\n".join(self.addresses)),
        }
        return {place: lines for place, lines in found.items() if lines}


@pytest.fixture
def watch(wake_ups: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Log lines as the site writes them, at the finest level, and messages as they would be sent."""
    seen = Watch()
    root = logging.getLogger()
    console = next(
        handler
        for handler in root.handlers
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    )
    handler = logging.StreamHandler(seen.log)
    handler.setFormatter(console.formatter)
    for log_filter in console.filters:
        handler.addFilter(log_filter)
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)

    def publish(_: Any, body: Any, **kwargs: Any) -> None:
        seen.messages.append(json.dumps([body, kwargs], default=str))

    monkeypatch.setattr(kombu.Producer, "publish", publish)
    # Wake-ups are sent in earnest here, as far as the broker.
    with mock.patch.object(app, "send_task", functools.partial(Celery.send_task, app)):
        yield seen
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def side(db: None, settings: Any, tmp_path: Any) -> TwoClinics:
    for name in ("sealed", "derived"):
        backend = {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / name},
        }
        settings.STORAGES = {**settings.STORAGES, name: backend}
    active_model()
    return two_clinics()


@pytest.fixture
def api(side: TwoClinics) -> Client:
    _, text = AuthToken.objects.create(user=side.own.integration)
    return Client(headers={"Authorization": f"Bearer {text}"}, raise_request_exception=False)


@pytest.fixture
def clients(api: Client, pages: Client) -> tuple[Client, Client]:
    return api, pages


@pytest.fixture
def pages(side: TwoClinics) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(side.own.dermatologist)
    return client
