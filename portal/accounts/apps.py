from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.accounts"
    label = "accounts"

    def ready(self) -> None:
        # Checks; events of password and second factor; the clocks of a session; single sign-on;
        # what a new SECRET_KEY seals anew.
        from portal.accounts import (  # noqa: PLC0415
            checks,  # noqa: F401
            factor_secrets,  # noqa: F401
            receivers,  # noqa: F401
            session_limits,  # noqa: F401
            sso_stage,  # noqa: F401
        )
