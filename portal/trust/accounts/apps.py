from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.trust.accounts"
    label = "accounts"

    def ready(self) -> None:
        # Checks; events of password and second factor; the clocks of a session; single sign-on;
        # what a new SECRET_KEY seals anew.
        pass
