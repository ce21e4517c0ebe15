"""Which scopes an application may ask for: those that its clinic's administrator chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauth2_provider.scopes import BaseScopes

from portal.accounts.scopes import SCOPES, sort_scopes

if TYPE_CHECKING:
    from typing import Any

    from portal.accounts.models import OAuthApplication


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
