"""To the provider and back. Without a provider there is nothing here."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from allauth.socialaccount.providers.oauth2.views import OAuth2LoginView
from django.conf import settings
from django.http import Http404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from requests import RequestException

from portal.trust.accounts.login.sso.adapter import show_refusal
from portal.trust.accounts.login.sso.code_flow import CallbackView, OIDCAdapter

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

AWAY = "The provider can't be reached. Try again in a few minutes."
UNAVAILABLE = 503


def with_provider(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    safe = never_cache(require_safe(view))

    @wraps(view)
    def wrapper(request: HttpRequest) -> HttpResponse:
        # Allauth would tie another identity to whoever is logged in.
        if not settings.DERMAPORT_OIDC_ISSUER or request.GET.get("process", "login") != "login":
            raise Http404
        try:
            return safe(request)
        except RequestException:
            return show_refusal(request, AWAY, UNAVAILABLE)

    return wrapper


@with_provider
def sso_login(request: HttpRequest) -> HttpResponse:
    answer: HttpResponse = OAuth2LoginView.adapter_view(OIDCAdapter(request))(request)
    return answer


@with_provider
def sso_callback(request: HttpRequest) -> HttpResponse:
    answer: HttpResponse = CallbackView.adapter_view(OIDCAdapter(request))(request)
    return answer
