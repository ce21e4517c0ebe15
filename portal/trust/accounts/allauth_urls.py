"""What allauth offers and this site wants of it: no sign-up, no address book, GET and POST only.

The names of closed pages stay, since allauth asks for them; nobody finds anything there.
"""

from collections.abc import Iterable, Iterator
from functools import wraps
from typing import Any

from allauth.account.urls import urlpatterns as of_account
from allauth.mfa.urls import urlpatterns as of_mfa
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.http import require_http_methods

CLOSED = "signup|email|confirm-email|password/set|login/code"


LOCAL = {
    *("account_change_password", "account_reset_password", "account_reset_password_done"),
    *("account_reset_password_from_key", "account_reset_password_from_key_done", "mfa_login_webauthn"),
}
"""Closed where everybody comes in by the provider; the log-in page stays and shows the way."""


def closed(_: HttpRequest, **__: Any) -> HttpResponse:
    raise Http404("This site has no such page.")


# Form views also take PUT, as if it were POST.
by_form = require_http_methods(["GET", "HEAD", "POST"])


def locally(name: str, view: Any) -> Any:
    """Close a way in by password or passkey where the site has none."""
    if name not in LOCAL | {"account_login"}:
        return view

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not settings.DERMAPORT_LOCAL_LOGIN and (name in LOCAL or request.method == "POST"):
            raise Http404("People log in by single sign-on.")
        return view(request, *args, **kwargs)

    return wrapper


def narrow(offered: Iterable[Any]) -> Iterator[Any]:
    for one in offered:
        if isinstance(one, URLResolver):
            yield URLResolver(one.pattern, list(narrow(one.url_patterns)))
        else:
            view = by_form(locally(one.name, one.callback))
            yield URLPattern(one.pattern, view, one.default_args, one.name)


urlpatterns = [
    re_path(rf"^(?:{CLOSED})(?:/.*)?$", closed, name="account-closed"),
    *narrow(of_account),
    path("2fa/", include(list(narrow(of_mfa)))),
]
