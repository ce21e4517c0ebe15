"""The portal, as a program sees it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import httpx

from classifier.client.connection import Call, Connection
from classifier.client.credentials import API, Credentials, Token, read_credentials, read_site_setting
from classifier.client.errors import RetryPolicy
from classifier.client.records import MeRecord
from classifier.client.resources import (
    Clinics,
    Images,
    Lesions,
    ModelVersions,
    Outcomes,
    Patients,
    Predictions,
    Reports,
    Reviews,
    Submissions,
    Webhooks,
)
from classifier.client.resources.base import parse


class Client:
    """`Client("https://portal.example.org", token)`, or `Client.from_environment()`.

    Every call raises ApiError where the server refuses, and LostConnectionError where no answer came
    in the patience that `retries` allows. Threads may share one client. Close it, or use `with`.
    """

    def __init__(
        self,
        site: str,
        credentials: Credentials | str,
        *,
        retries: RetryPolicy | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        known = Token(credentials) if isinstance(credentials, str) else credentials
        self.connection = Connection(site, known, retries=retries, transport=transport)
        self.submissions = Submissions(self.connection)
        self.predictions = Predictions(self.connection)
        self.reviews = Reviews(self.connection)
        self.outcomes = Outcomes(self.connection)
        self.patients = Patients(self.connection)
        self.lesions = Lesions(self.connection)
        self.images = Images(self.connection)
        self.reports = Reports(self.connection)
        self.webhooks = Webhooks(self.connection)
        self.clinics = Clinics(self.connection)
        self.model_versions = ModelVersions(self.connection)

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, *, retries: RetryPolicy | None = None
    ) -> Self:
        """As DERMAPORT_URL and DERMAPORT_TOKEN (or …_TOKEN_FILE, or …_CLIENT_ID with
        …_CLIENT_SECRET) say. Raise ConfigurationError.
        """
        return cls(read_site_setting(environment), read_credentials(environment), retries=retries)

    def me(self) -> MeRecord:
        """Who calls, and what they may in each of their clinics."""
        return parse(MeRecord, self.connection.send(Call(method="GET", path=f"{API}/me/")))

    def revoke_token(self) -> None:
        """End the token that this client calls with."""
        self.connection.send(Call(method="DELETE", path=f"{API}/token/"))

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
