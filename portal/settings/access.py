"""Who gets in, how, and for how long: second factor, sessions, confirmation before what counts."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

# --- Log-in ---------------------------------------------------------------------------------
# Failed log-ins by address, over all accounts.
DERMAPORT_LOGIN_FAILED_RATE = env.str("DERMAPORT_LOGIN_FAILED_RATE", default="10/m/ip")

# Former keys of the site: what they signed, and what an earlier version sealed with them, is still read.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])

# --- Second factor --------------------------------------------------------------------------
# Who must have one before they can do anything else: roles, and "operator". Empty: nobody must.
DERMAPORT_MFA_REQUIRED_ROLES: list[str] = env.list(
    "DERMAPORT_MFA_REQUIRED_ROLES", default=["dermatologist", "administrator"]
)
MFA_ADAPTER = "portal.accounts.mfa_adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = env.str("DERMAPORT_MFA_ISSUER", default="Dermaport")
# One step of 30 seconds either way: phones' clocks drift.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODE_COUNT = 10
MFA_FORMS = {
    "authenticate": "portal.accounts.code_forms.AuthenticateForm",
    "reauthenticate": "portal.accounts.code_forms.ReauthenticateForm",
}
# An administrator vouches for the address of whom they add.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# --- Confirmation before what counts --------------------------------------------------------
# How long a log-in or a confirmation lasts before signing, exports and the like; 0 never asks.
DERMAPORT_STEP_UP_MINUTES = env.int("DERMAPORT_STEP_UP_MINUTES", default=10)
# For signing and amending reviews it lasts longer, while the person goes on working; 0: as for the others.
DERMAPORT_SIGNING_SESSION_HOURS = env.float("DERMAPORT_SIGNING_SESSION_HOURS", default=4.0)

# --- Sessions -------------------------------------------------------------------------------
# Without a request or a key press for so long a session ends; 0 never. Fractions are for tests.
DERMAPORT_IDLE_MINUTES = env.float("DERMAPORT_IDLE_MINUTES", default=15.0)

# --- Single sign-on by OpenID Connect -------------------------------------------------------
DERMAPORT_OIDC_ISSUER = env.str("DERMAPORT_OIDC_ISSUER", default="").rstrip("/")
DERMAPORT_OIDC_NAME = env.str("DERMAPORT_OIDC_NAME", default="your organisation")
# Domains of addresses that may come in; empty: every domain that the provider vouches for.
DERMAPORT_OIDC_DOMAINS: list[str] = env.list("DERMAPORT_OIDC_DOMAINS", default=[])
# "refuse" people who aren't here yet, or "create" them without a clinic.
DERMAPORT_OIDC_UNKNOWN = env.str("DERMAPORT_OIDC_UNKNOWN", default="refuse")
# Values of the claims acr and amr that stand for a second factor at the provider.
DERMAPORT_OIDC_MFA_VALUES: list[str] = env.list("DERMAPORT_OIDC_MFA_VALUES", default=[])
# Passwords and passkeys of this site. Off: everybody comes in by the provider.
DERMAPORT_LOCAL_LOGIN = env.bool("DERMAPORT_LOCAL_LOGIN", default=True)
if DERMAPORT_OIDC_UNKNOWN not in {"refuse", "create"}:
    raise ImproperlyConfigured(
        f"DERMAPORT_OIDC_UNKNOWN: expected refuse or create, received {DERMAPORT_OIDC_UNKNOWN}."
    )
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


SOCIALACCOUNT_ADAPTER = "portal.accounts.sso_adapter.SSOAdapter"
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {}
# A link starts it: the content security policy lets no form lead to another site.
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_STORE_TOKENS = False
if DERMAPORT_OIDC_ISSUER:
    SOCIALACCOUNT_PROVIDERS = describe_provider(
        DERMAPORT_OIDC_ISSUER,
        env.str("DERMAPORT_OIDC_CLIENT_ID"),
        env.str("DERMAPORT_OIDC_CLIENT_SECRET", default=""),
        DERMAPORT_OIDC_NAME,
    )
