"""Where the portal is and who calls, as the environment says. No secret comes from the command line:
every process of a machine can read that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from classifier.client.credentials import ClientCredentials, Credentials, Token, TokenFile
from classifier.client.errors import ConfigurationError

URL = "DERMAPORT_URL"
TOKEN = "DERMAPORT_TOKEN"  # noqa: S105 - the variable's name
TOKEN_FILE = "DERMAPORT_TOKEN_FILE"  # noqa: S105
CLIENT_ID = "DERMAPORT_CLIENT_ID"
CLIENT_SECRET = "DERMAPORT_CLIENT_SECRET"  # noqa: S105
SCOPE = "DERMAPORT_SCOPE"


def read_site_setting(environment: Mapping[str, str] | None = None, *, given: str = "") -> str:
    site = given or (os.environ if environment is None else environment).get(URL, "")
    if not site:
        raise ConfigurationError(f"Say where the portal is: {URL}=https://portal.example.org")
    return site


def read_credentials(
    environment: Mapping[str, str] | None = None, *, token_file: Path | None = None
) -> Credentials:
    """Of a file that was named, else of the environment. Raise ConfigurationError."""
    found = os.environ if environment is None else environment
    if token_file is not None:
        return TokenFile(token_file)
    if found.get(TOKEN):
        return Token(found[TOKEN])
    if found.get(TOKEN_FILE):
        return TokenFile(Path(found[TOKEN_FILE]))
    if found.get(CLIENT_ID) and found.get(CLIENT_SECRET):
        return ClientCredentials(found[CLIENT_ID], found[CLIENT_SECRET], found.get(SCOPE, ""))
    raise ConfigurationError(f"Say who calls: {TOKEN}, {TOKEN_FILE}, or {CLIENT_ID} with {CLIENT_SECRET}.")
