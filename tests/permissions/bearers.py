"""Who calls with which kind of token: one real token each, which a test narrows, ends or closes."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from oauth2_provider.models import AccessToken

from portal.trust.accounts.models import ApiToken, Clinic, Membership, OAuthApplication, User
from portal.trust.accounts.tokens.scopes import SCOPES
from portal.trust.accounts.tokens.tokens import store_token
from portal.trust.accounts.tokens.use import KINDS
from tests.factories import MembershipFactory
from tests.permissions.world import ROLES, World, share_handler
from tests.support.oauth import RETURN, agree, ask_by_itself, redeem, register

DAY = dt.timedelta(days=1)
COLLEAGUES = ("clinician", "dermatologist", "administrator")


@dataclass(frozen=True)
class Bearer:
    """A caller: which row of the policy is theirs, and how their token came about."""

    name: str
    actor: str
    token: AuthToken | AccessToken
    text: str

    @property
    def is_oauth(self) -> bool:
        return isinstance(self.token, AccessToken)

    def client(self) -> Client:
        return share_handler(Client(headers={"Authorization": f"Bearer {self.text}"}))

    def hold(self, scopes: Iterable[str]) -> None:
        """Have these scopes, as if the token had been asked for with them."""
        if self.is_oauth:
            AccessToken.objects.filter(pk=self.token.pk).update(scope=" ".join(scopes))
        else:
            ApiToken.objects.filter(token=self.token.pk).update(scopes=list(scopes))

    def expire(self) -> None:
        past = timezone.now() - DAY
        if self.is_oauth:
            AccessToken.objects.filter(pk=self.token.pk).update(expires=past)
        else:
            AuthToken.objects.filter(pk=self.token.pk).update(expiry=past)

    def revoke(self) -> None:
        next(filter(None, (kind.find(self.text) for kind in KINDS))).end()

    def close(self) -> None:
        """Close what it came from: the application, or its owner's log-in."""
        if self.is_oauth:
            OAuthApplication.objects.filter(pk=self.token.application_id).update(is_active=False)
        else:
            User.objects.filter(pk=self.token.user_id).update(is_active=False)

    def narrow(self, scopes: Iterable[str]) -> None:
        """The clinic takes scopes from the application; what it got before keeps the word of them."""
        self.hold(SCOPES)
        OAuthApplication.objects.filter(pk=self.token.application_id).update(scopes=list(scopes))


ENDS: dict[str, Callable[[Bearer], None]] = {
    "expired": Bearer.expire,
    "revoked": Bearer.revoke,
    "closed": Bearer.close,
}


def make_bearers(world: World) -> list[Bearer]:
    return [*_make_personal(world), _make_service(world), _make_client(world), *_make_codes(world)]


def _make_personal(world: World) -> list[Bearer]:
    places = ("own", "other")
    people = [f"{place}.{role}" for place in places for role in ROLES]
    made = [_store(f"personal {actor}", actor, world.person(actor)) for actor in people]
    # A guest's token can be of one clinic: of the other one, it is a stranger's here.
    own, other = world.side.own.clinic, world.side.other.clinic
    made.append(_store("personal of this clinic guest", "guest", world.guest, own))
    made.append(_store("personal of the other clinic guest", "guest.ended", world.guest, other))
    return made


def _make_service(world: World) -> Bearer:
    return _store("service account", "own.integration", world.service.user, world.side.own.clinic)


def _store(name: str, actor: str, owner: User | None, clinic: Clinic | None = None) -> Bearer:
    assert owner is not None
    issued = store_token(
        owner=owner, made_by=owner, name="Of the matrix", scopes=SCOPES, lifetime=DAY, clinic=clinic
    )
    return Bearer(name, actor, owner.auth_token_set.latest("created"), issued.text)


def _make_client(world: World) -> Bearer:
    registration = register(
        world.side.own, kind="system", scopes=list(SCOPES), redirect_uris="", service=world.service
    )
    text = ask_by_itself(registration).json()["access_token"]
    return Bearer("client credentials", "own.integration", _find(text), text)


def _make_codes(world: World) -> list[Bearer]:
    """Of colleagues who agreed; and of one who left the clinic afterwards."""
    registration = register(world.side.own, scopes=list(SCOPES), redirect_uris=RETURN)
    leaver = MembershipFactory(clinic=world.side.own.clinic, role="dermatologist")
    people = [(f"own.{role}", world.side.own.person(role)) for role in COLLEAGUES]
    made = []
    for actor, person in [*people, ("dismissed", leaver.user)]:
        browser = Client()
        browser.force_login(person)
        code = agree(browser, registration.application, scope=" ".join(SCOPES))
        text = redeem(registration, code).json()["access_token"]
        made.append(Bearer(f"authorization code {actor}", actor, _find(text), text))
    Membership.objects.filter(pk=leaver.pk).update(is_active=False)
    return made


def _find(text: str) -> AccessToken:
    return AccessToken.objects.get(token_checksum=hashlib.sha256(text.encode()).hexdigest())
