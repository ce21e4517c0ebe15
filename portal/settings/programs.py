"""How programs get in: tokens and OAuth 2."""

import datetime as dt

# --- API tokens -----------------------------------------------------------------------------
# Django reads it where another app's migration points at knox's table.
KNOX_TOKEN_MODEL = "knox.AuthToken"  # noqa: S105 (a model)
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_PREFIX": "dp_",
    "TOKEN_TTL": dt.timedelta(hours=10),
    "TOKEN_LIMIT_PER_USER": 20,
    "AUTO_REFRESH": False,
}
# Of the tokens that people make on the page, in days: what is proposed, and the longest.
DERMAPORT_TOKEN_DAYS = 90
DERMAPORT_TOKEN_MAX_DAYS = 365

# --- OAuth 2 --------------------------------------------------------------------------------
# How long the former secret of an application works beside a new one.
DERMAPORT_OAUTH_OVERLAP_HOURS = 24
OAUTH2_PROVIDER_APPLICATION_MODEL = "accounts.OAuthApplication"
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "portal.trust.accounts.oauth.server.Server",
    "OAUTH2_VALIDATOR_CLASS": "portal.trust.accounts.oauth.server.PortalValidator",
    "SCOPES_BACKEND_CLASS": "portal.trust.accounts.oauth.scopes.ApplicationScopes",
    "ACCESS_TOKEN_GENERATOR": "portal.trust.accounts.oauth.server.generate_access_token",
    "REFRESH_TOKEN_GENERATOR": "portal.trust.accounts.oauth.server.generate_refresh_token",
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    # Counted from the end of the last access token: one that is in use lives on.
    "REFRESH_TOKEN_EXPIRE_SECONDS": 30 * 24 * 3600,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "PKCE_REQUIRED": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "OAUTH2_RESPONSE_TYPES_SUPPORTED": ["code"],
    "OAUTH2_GRANT_TYPES_SUPPORTED": ["authorization_code", "client_credentials", "refresh_token"],
    "OAUTH2_TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED": ["client_secret_basic", "client_secret_post", "none"],
    # RFC 9700, best current practice: each of these is off by default.
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}
