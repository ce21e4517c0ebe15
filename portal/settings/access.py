"""Who gets in, how, and for how long: second factor, sessions, confirmation before what counts."""

import re
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from portal.settings.environment import Environment

env = Environment("Log-in")
sso = Environment("Single sign-on")

# --- Log-in ---------------------------------------------------------------------------------
DERMAPORT_LOGIN_RATE = env.text(
    "DERMAPORT_LOGIN_RATE",
    "log-ins from one address, over all accounts, and a third as many that fail; raise it where a hospital "
    "comes from one address",
    default="30/m/ip",
)


def divide_rate(text: str, by: int) -> str:
    """Rate limits such as "30/m/ip", several separated by commas, with a part of their number; at least 1."""
    found = [re.fullmatch(r"\s*(\d+)(/\d*[smhd](?:/ip)?)\s*", one) for one in text.split(",")]
    if None in found:
        raise ImproperlyConfigured(f"DERMAPORT_LOGIN_RATE: expected such as 30/m/ip, received {text!r}.")
    return ",".join(f"{max(1, int(one[1]) // by)}{one[2]}" for one in found if one)


DERMAPORT_LOGIN_FAILED_RATE = divide_rate(DERMAPORT_LOGIN_RATE, 3)

# --- Second factor --------------------------------------------------------------------------
DERMAPORT_MFA_REQUIRED_ROLES = env.names(
    "DERMAPORT_MFA_REQUIRED_ROLES",
    "roles that need a second factor before they can do anything else; `operator` is one too. Production "
    "refuses an empty list",
    default=("dermatologist", "administrator"),
    shown="dermatologist,administrator (the demo: none)",
)
MFA_ADAPTER = "portal.trust.accounts.second_factor.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Dermaport"
# One step of 30 seconds either way: phones' clocks drift.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODE_COUNT = 10
MFA_FORMS = {
    "authenticate": "portal.trust.accounts.second_factor.codes.AuthenticateForm",
    "reauthenticate": "portal.trust.accounts.second_factor.codes.ReauthenticateForm",
}
# An administrator vouches for the address of whom they add.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# --- Confirmation before what counts --------------------------------------------------------
# How long a log-in or a confirmation lasts before signing, exports and the like; 0 never asks.
DERMAPORT_STEP_UP_MINUTES = 10
# For signing and amending reviews it lasts longer, while the person goes on working; 0: as for the others.
DERMAPORT_SIGNING_SESSION_HOURS = 4.0

# --- Sessions -------------------------------------------------------------------------------
# Counted from the log-in, a long shift: what a person does meanwhile doesn't lengthen it.
SESSION_COOKIE_AGE = 12 * 3600
# Fractions are for tests.
DERMAPORT_IDLE_MINUTES = env.number(
    "DERMAPORT_IDLE_MINUTES",
    "minutes without a request or a key press that end a session; 0 never (not in production)",
    default=15.0,
)

# --- Single sign-on by OpenID Connect -------------------------------------------------------
DERMAPORT_OIDC_ISSUER = sso.text(
    "DERMAPORT_OIDC_ISSUER", "issuer of the OpenID provider; turns single sign-on on"
).rstrip("/")
OIDC_CLIENT_ID = sso.text(
    "DERMAPORT_OIDC_CLIENT_ID", "as registered at the provider; required with an issuer"
)
OIDC_CLIENT_SECRET = sso.text("DERMAPORT_OIDC_CLIENT_SECRET", "likewise, where the provider gave one")
DERMAPORT_OIDC_NAME = sso.text("DERMAPORT_OIDC_NAME", "the name on the button", default="your organisation")
DERMAPORT_OIDC_DOMAINS = sso.names(
    "DERMAPORT_OIDC_DOMAINS",
    "domains of addresses that may come in",
    shown="every domain that the provider vouches for",
)
DERMAPORT_OIDC_UNKNOWN = sso.text(
    "DERMAPORT_OIDC_UNKNOWN",
    "people who aren't here yet: `refuse` them, or `create` them without a clinic",
    default="refuse",
)
DERMAPORT_OIDC_MFA_VALUES = sso.names(
    "DERMAPORT_OIDC_MFA_VALUES",
    "values of the claims `acr` and `amr` that stand for a second factor at the provider",
)
DERMAPORT_LOCAL_LOGIN = sso.switch(
    "DERMAPORT_LOCAL_LOGIN",
    "passwords and passkeys of this site; off: everybody comes in by the provider",
    default=True,
)
if DERMAPORT_OIDC_UNKNOWN not in {"refuse", "create"}:
    raise ImproperlyConfigured(
        f"DERMAPORT_OIDC_UNKNOWN: expected refuse or create, received {DERMAPORT_OIDC_UNKNOWN}."
    )
if DERMAPORT_OIDC_ISSUER and not OIDC_CLIENT_ID:
    raise ImproperlyConfigured("Set DERMAPORT_OIDC_CLIENT_ID: DERMAPORT_OIDC_ISSUER needs it.")
if not DERMAPORT_LOCAL_LOGIN and not DERMAPORT_OIDC_ISSUER:
    raise ImproperlyConfigured("DERMAPORT_LOCAL_LOGIN: expected 1 without DERMAPORT_OIDC_ISSUER, received 0.")


def describe_provider(issuer: str, client_id: str, secret: str, name: str) -> dict[str, Any]:
    """The one provider, as allauth reads it."""
    app = {
        "provider_id": "sso",
        "name": name,
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": issuer, "oauth_pkce_enabled": True},
    }
    return {"openid_connect": {"APPS": [app]}}


SOCIALACCOUNT_ADAPTER = "portal.trust.accounts.login.sso.adapter.SSOAdapter"
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {}
# A link starts it: the content security policy lets no form lead to another site.
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_STORE_TOKENS = False
if DERMAPORT_OIDC_ISSUER:
    SOCIALACCOUNT_PROVIDERS = describe_provider(
        DERMAPORT_OIDC_ISSUER,
        OIDC_CLIENT_ID,
        OIDC_CLIENT_SECRET,
        DERMAPORT_OIDC_NAME,
    )
