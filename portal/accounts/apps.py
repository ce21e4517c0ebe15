from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.accounts"
    label = "accounts"

    def ready(self) -> None:
        # Checks; events of password and second factor; the clocks of a session; single sign-on.
        from portal.accounts import checks, receivers, session_limits, sso_stage  # noqa: F401, PLC0415
