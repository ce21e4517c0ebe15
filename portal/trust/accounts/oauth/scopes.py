"""OAuth scopes: an application may ask for those that its clinic's administrator chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import TextChoices
from oauth2_provider.models import AbstractApplication
from oauth2_provider.scopes import BaseScopes

from portal.trust.accounts.tokens.scopes import SCOPES, sort_scopes

if TYPE_CHECKING:
    from typing import Any

    from portal.trust.accounts.models import OAuthApplication


class ApplicationScopes(BaseScopes):
    def get_all_scopes(self) -> dict[str, str]:
        return SCOPES

    def get_available_scopes(
        self, application: OAuthApplication | None = None, *_: Any, **__: Any
    ) -> list[str]:
        return sort_scopes(application.scopes) if application else list(SCOPES)

    def get_default_scopes(
        self, application: OAuthApplication | None = None, *_: Any, **__: Any
    ) -> list[str]:
        return self.get_available_scopes(application)


class ApplicationKind(TextChoices):
    """What an administrator says of a system; grant and client type follow from it."""

    SYSTEM = "system", "A system that acts by itself, as a service account"
    WEBSITE = "website", "A website on which people agree that it acts for them"
    DEVICE = "device", "An app on a person's device, which can't keep a secret"

    @property
    def is_for_people(self) -> bool:
        return self != ApplicationKind.SYSTEM

    @property
    def is_on_device(self) -> bool:
        return self == ApplicationKind.DEVICE

    @property
    def grant_type(self) -> str:
        if self.is_for_people:
            return str(AbstractApplication.GRANT_AUTHORIZATION_CODE)
        return str(AbstractApplication.GRANT_CLIENT_CREDENTIALS)

    @property
    def client_type(self) -> str:
        if self.is_on_device:
            return str(AbstractApplication.CLIENT_PUBLIC)
        return str(AbstractApplication.CLIENT_CONFIDENTIAL)
