"""A typed client of the REST API, and the command `python -m classifier.client`.

It needs httpx and tqdm and nothing else of this project: it can be copied to another machine as it
is. See "Five jobs for an integrator" in docs/integrators.md.
"""

from classifier.client.client import Client
from classifier.client.connection import Page, make_key
from classifier.client.credentials import ClientCredentials, Token, TokenFile
from classifier.client.errors import (
    ApiError,
    ClientError,
    ConfigurationError,
    FieldError,
    LostConnectionError,
    ProtocolError,
    RetryPolicy,
    StoppedError,
    WaitTimeoutError,
)
from classifier.client.resources import ImageFile
from classifier.client.signatures import is_genuine

__all__ = [
    "ApiError",
    "Client",
    "ClientCredentials",
    "ClientError",
    "ConfigurationError",
    "FieldError",
    "ImageFile",
    "LostConnectionError",
    "Page",
    "ProtocolError",
    "RetryPolicy",
    "StoppedError",
    "Token",
    "TokenFile",
    "WaitTimeoutError",
    "is_genuine",
    "make_key",
]
