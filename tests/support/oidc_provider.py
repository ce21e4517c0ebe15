"""A real OpenID provider in a process of its own, and a browser's way through it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import Any
from urllib.parse import urljoin

import httpx

from tests.support.ports import free_port

START_SECONDS = 30


class OIDCProviderProcess:
    def __init__(self) -> None:
        self.issuer = f"http://127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        port = self.issuer.rpartition(":")[2]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "oidc_provider_mock", "--port", port],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                httpx.get(f"{self.issuer}/.well-known/openid-configuration").raise_for_status()
            except httpx.HTTPError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def set_person(self, subject: str, **claims: Any) -> None:
        httpx.put(f"{self.issuer}/users/{subject}", json=claims).raise_for_status()

    def consent(self, authorize_url: str, subject: str) -> str:
        """What the provider does once its person agrees: the address it sends them back to."""
        answer = httpx.post(authorize_url, data={"sub": subject})
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]


class Visitor:
    """A browser on the live site: keeps cookies, follows redirects within the site only."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.client = httpx.Client(base_url=site)

    def get(self, address: str) -> httpx.Response:
        answer = self.client.get(address)
        while answer.is_redirect and urljoin(self.site, answer.headers["Location"]).startswith(self.site):
            answer = self.client.get(answer.headers["Location"])
        return answer

    def post(self, address: str, page: httpx.Response, **data: str) -> httpx.Response:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        return self.client.post(address, data={"csrfmiddlewaretoken": token[1], **data})

    @property
    def is_logged_in(self) -> bool:
        return self.client.get("/accounts/session/").json()["person"] is not None
