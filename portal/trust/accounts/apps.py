"""Accounts as a Django app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.trust.accounts"
    label = "accounts"

    def ready(self) -> None:
        # Checks; events of password and second factor; the clocks of a session; single sign-on;
        # what `rotate_encryption` seals anew.
        from portal.trust.accounts import checks, receivers  # noqa: F401, PLC0415
        from portal.trust.accounts.login.sso import code_flow  # noqa: F401, PLC0415
        from portal.trust.accounts.second_factor import secrets  # noqa: F401, PLC0415
        from portal.trust.accounts.sessions import limits  # noqa: F401, PLC0415
