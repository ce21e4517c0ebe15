"""Single sign-on (OpenID Connect): code flow with PKCE, state, nonce, and a signed ID token.

Allauth trusts the token by the TLS it came over and knows no nonce; both are added here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from allauth.account.signals import user_logged_in
from allauth.mfa.stages import AuthenticateStage
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.db import transaction
from django.dispatch import receiver
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from portal.trust.accounts.models import User
from portal.trust.accounts.people.services import find_or_create_person
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse


# --- Who it is ----------------------------------------------------------------------------------
# Which person of this site the provider speaks of.


PROVIDER = "sso"
WORDS = {
    "email_missing": "The provider sent no e-mail address. Ask whoever runs it to send one.",
    "email_unverified": "The provider has not checked your e-mail address. Confirm it there first.",
    "domain_not_allowed": "Addresses of this kind can't be used to log in here.",
    "unknown_person": "Nobody with your address is known here. Ask your clinic's administrator to add you.",
    "inactive": "Your account is switched off. Your clinic's administrator can switch it on again.",
    "subject_changed": (
        "The provider knows you by another identity than before. Ask your clinic's administrator to reset "
        "your second factor, which forgets the old one."
    ),
}


class SSORefusedError(Exception):
    """Somebody the provider vouches for doesn't come in: `code` for the audit log, `message` for them."""

    def __init__(self, code: str, person: User | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = WORDS[code]
        self.person = person


@dataclass(frozen=True)
class IdentityClaims:
    """What the provider signed about a person."""

    subject: str = field(repr=False)
    email: str = field(repr=False)
    is_verified: bool
    name: str = field(repr=False)
    has_factor: bool

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> IdentityClaims:
        amr = data.get("amr") or []
        methods = {data.get("acr"), *(amr if isinstance(amr, list) else [amr])}
        return cls(
            subject=str(data["sub"]),
            email=str(data.get("email") or "").strip().lower(),
            is_verified=data.get("email_verified") in (True, "true"),
            name=str(data.get("name") or ""),
            has_factor=bool(methods.intersection(settings.DERMAPORT_OIDC_MFA_VALUES)),
        )


def admit(claims: IdentityClaims) -> User:
    """The person whom these claims speak of, by their verified address alone.

    The identity behind the address is remembered at the first log-in: an address that later
    belongs to somebody else opens nothing. Raises SSORefusedError.
    """
    if not claims.email:
        raise SSORefusedError("email_missing")
    if not claims.is_verified:
        raise SSORefusedError("email_unverified")
    domains = [domain.lower() for domain in settings.DERMAPORT_OIDC_DOMAINS]
    if domains and claims.email.rpartition("@")[2] not in domains:
        raise SSORefusedError("domain_not_allowed")
    with transaction.atomic():
        person = User.objects.filter(email__iexact=claims.email).first()
        if person is None and settings.DERMAPORT_OIDC_UNKNOWN != "create":
            raise SSORefusedError("unknown_person")
        if person is None:
            person = find_or_create_person(claims.email, full_name=claims.name, clinic=None, actor=None)
        if not person.is_active:
            raise SSORefusedError("inactive", person)
        _check_identity(person, claims.subject)
    return person


def _check_identity(person: User, subject: str) -> None:
    known = SocialAccount.objects.filter(provider=PROVIDER)
    if known.filter(uid=subject).exclude(user=person).exists():
        raise SSORefusedError("subject_changed", person)
    if known.filter(user=person).exclude(uid=subject).exists():
        raise SSORefusedError("subject_changed", person)


def record_refusal(error: SSORefusedError) -> None:
    record_event(clinic_id=None, action="user.sso_refused", obj=error.person, details={"reason": error.code})


# Signatures by the provider's key pair; the client's secret must not make one.
ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
LEEWAY_SECONDS = 60
REQUIRED = ["iss", "sub", "aud", "exp", "iat"]


class OIDCAdapter(OpenIDConnectOAuth2Adapter):
    nonce: str = ""

    def __init__(self, request: HttpRequest, provider_id: str = PROVIDER) -> None:
        super().__init__(request, provider_id)

    def get_provider(self) -> OIDCProvider:
        app = get_adapter(self.request).get_app(self.request, provider=self.provider_id)
        return OIDCProvider(self.request, app=app)

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:  # noqa: ARG002 (allauth's)
        return request.build_absolute_uri(reverse("sso-callback"))

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **answer: Any) -> Any:
        id_token = answer["response"].get("id_token")
        if not id_token:
            raise OAuth2Error("no ID token")
        data = self._decode_id_token(app, id_token)
        if not self.nonce or not constant_time_compare(str(data.get("nonce", "")), self.nonce):
            raise OAuth2Error("nonce")
        if "email" not in data:
            told = self._fetch_user_info(token.token)
            if told.get("sub") != data["sub"]:
                raise OAuth2Error("subject")
            data = {**told, **data}
        login = self.get_provider().sociallogin_from_response(request, data)
        login.claims = IdentityClaims.read(data)
        # The identity is kept, and nothing else that was told.
        login.account.extra_data = {}
        return login

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        issuer = self.openid_config["issuer"]
        if issuer.rstrip("/") != settings.DERMAPORT_OIDC_ISSUER:
            raise OAuth2Error("issuer")
        try:
            header = jwt.get_unverified_header(id_token)
            if header.get("alg") not in ALGORITHMS:
                raise OAuth2Error("algorithm")
            return jwt.decode(
                id_token,
                key=self._find_key(header.get("kid")),
                algorithms=[header["alg"]],
                issuer=issuer,
                audience=app.client_id,
                leeway=LEEWAY_SECONDS,
                options={"require": REQUIRED},
            )
        except jwt.PyJWTError as error:
            raise OAuth2Error("ID token") from error

    def _find_key(self, kid: str | None) -> Any:
        """The provider's key of this id; a token without one is read where there is only one key."""
        with get_adapter(self.request).get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
        keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        fitting = [key for key in keys if kid is None or key.key_id == kid]
        if len(fitting) != 1:
            raise OAuth2Error("key")
        return fitting[0].key


class OIDCProvider(OpenIDConnectProvider):
    oauth2_adapter_class = OIDCAdapter

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:  # noqa: ARG002 (not the caller's to choose)
        return list(self.get_scope())

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:  # noqa: ARG002
        return {"prompt": "login"} if "again" in request.GET else {}

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **how: Any
    ) -> HttpResponse:
        nonce = secrets.token_urlsafe(24)
        params = {**(how.pop("auth_params", None) or {}), "nonce": nonce}
        answer: HttpResponse = super().redirect(
            request, process, next_url, data, auth_params=params, nonce=nonce, **how
        )
        return answer


class CallbackView(OAuth2CallbackView):
    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, answer = super()._get_state(request, provider)
        if state:
            self.adapter.nonce = state.get("nonce", "")
        return state, answer


# --- Second factor at the provider --------------------------------------------------------------
# Taken for one where the setting says so.


SESSION_KEY = "sso_factor"


class FactorStage(AuthenticateStage):
    def _should_handle(self, request: HttpRequest) -> bool:
        login = (self.login.signal_kwargs or {}).get("sociallogin")
        if login is not None and login.state.get("has_factor"):
            return False
        return bool(super()._should_handle(request))


@receiver(user_logged_in)
def keep_factor(request: HttpRequest, sociallogin: Any = None, **_: Any) -> None:
    """For this session only: the next log-in may come another way."""
    if sociallogin is not None and sociallogin.state.get("has_factor"):
        request.session[SESSION_KEY] = True
    else:
        request.session.pop(SESSION_KEY, None)
