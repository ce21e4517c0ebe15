"""The one page of the protocol that people see: on it they let an application in, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.core.exceptions import BadRequest, PermissionDenied
from django.db import transaction
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from oauth2_provider import views as toolkit

from portal.accounts.models import OAuthApplication
from portal.accounts.oauth.nul import NUL, holds_nul
from portal.accounts.oauth.validator import may_act_for
from portal.accounts.scopes import sort_scopes
from portal.audit.services import record_event

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from portal.accounts.requests import PortalRequest


@method_decorator(never_cache, name="dispatch")
class AuthorizeView(toolkit.AuthorizationView):
    """A person reads what an application asks for, and agrees or refuses."""

    http_method_names = ["get", "head", "post"]
    template_name = "oauth/consent.html"
    application: OAuthApplication | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            self.application = _find_application(request)
            if self.application is None and request.method == "POST":
                raise BadRequest("There is no such application.")
            if self.application is not None and not may_act_for(self.application, request.user):
                raise PermissionDenied(
                    "Only people of the clinic that registered it can use this application."
                )
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if holds_nul(request.GET):
            return self.render_to_response({"error": {"error": "invalid_request"}}, status=400)
        # With it a client would ask to be let in again without the page.
        asked = request.GET.copy()
        asked.pop("approval_prompt", None)
        request.GET = asked  # type: ignore[assignment]  # Django's type is of what came in
        response: HttpResponse = super().get(request, *args, **kwargs)
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # The toolkit looks at the address only after a yes, and would carry a no to any.
        address = request.POST.get("redirect_uri", "")
        if self.application is None or not self.application.redirect_uri_allowed(address):
            raise BadRequest("This is no address of the application.")
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

    def create_authorization_response(
        self, request: PortalRequest, scopes: str, credentials: Any, allow: Any
    ) -> Any:
        application: Any = self.application
        action = "application.authorized" if allow else "application.declined"
        with transaction.atomic():
            record_event(
                clinic_id=application.clinic_id,
                action=action,
                actor=request.user,
                obj=application,
                details={"scopes": sort_scopes(scopes.split())},
            )
            if allow:
                return super().create_authorization_response(request, scopes, credentials, allow)
        return super().create_authorization_response(request, scopes, credentials, allow)

    def redirect(self, redirect_to: str, application: OAuthApplication | None) -> HttpResponse:
        response: HttpResponse = super().redirect(redirect_to, application or self.application)
        return response

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().render_to_response(context, **kwargs)
        if self.application is not None and "error" not in context:
            # Browsers hold a form to this list on the redirect that answers it, too.
            setattr(response, "_csp_update", {"form-action": _list_origins(self.application)})  # noqa: B010 (django-csp's)
        return response


def _find_application(request: HttpRequest) -> OAuthApplication | None:
    given = request.POST if request.method == "POST" else request.GET
    client_id = given.get("client_id", "")
    if NUL in client_id:
        return None
    rows = OAuthApplication.objects.filter(client_id=client_id, is_active=True)
    found: OAuthApplication | None = rows.select_related("clinic").first()
    return found


def _list_origins(application: OAuthApplication) -> list[str]:
    origins = []
    for uri in application.redirect_uris.split():
        parts = urlsplit(uri)
        # An app on the device takes whatever port is free when it asks.
        origins.append(f"http://{parts.hostname}:*" if parts.scheme == "http" else f"https://{parts.netloc}")
    return origins
