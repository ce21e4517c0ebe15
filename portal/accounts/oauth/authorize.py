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


@method_decorator(never_cache, name="dispatch")
class AuthorizeView(toolkit.AuthorizationView):  # type: ignore[misc]  # the toolkit has no types
    """A person reads what an application asks for, and agrees or refuses."""

    http_method_names = ["get", "head", "post"]
    template_name = "oauth/consent.html"
    application: OAuthApplication | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            self.application = _find_application(request)
            if self.application is None and request.method == "POST":
                raise BadRequest("There is no such application.")
            if self.application is not None and not may_act_for(self.application, request.user):  # type: ignore[arg-type]
                raise PermissionDenied(
                    "Only people of the clinic that registered it can use this application."
                )
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if holds_nul(request.GET):
            return self.render_to_response({"error": {"error": "invalid_request"}}, status=400)
        # With it a client would ask to be let in again without the page.
        request.GET = request.GET.copy()  # type: ignore[assignment]
        request.GET.pop("approval_prompt", None)
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # The toolkit looks at the address only after a yes, and would carry a no to any.
        if not self.application.redirect_uri_allowed(request.POST.get("redirect_uri", "")):
            raise BadRequest("This is no address of the application.")
        return super().post(request, *args, **kwargs)

    def create_authorization_response(
        self, request: HttpRequest, scopes: str, credentials: Any, allow: Any
    ) -> Any:
        action = "application.authorized" if allow else "application.declined"
        with transaction.atomic():
            record_event(
                clinic_id=self.application.clinic_id,
                action=action,
                actor=request.user,
                obj=self.application,
                details={"scopes": sort_scopes(scopes.split())},
            )
            if allow:
                return super().create_authorization_response(request, scopes, credentials, allow)
        return super().create_authorization_response(request, scopes, credentials, allow)

    def redirect(self, redirect_to: str, application: OAuthApplication | None) -> HttpResponse:
        return super().redirect(redirect_to, application or self.application)

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response = super().render_to_response(context, **kwargs)
        if self.application is not None and "error" not in context:
            # Browsers hold a form to this list on the redirect that answers it, too.
            response._csp_update = {"form-action": _list_origins(self.application)}  # noqa: SLF001 (django-csp's)
        return response


def _find_application(request: HttpRequest) -> OAuthApplication | None:
    given = request.POST if request.method == "POST" else request.GET
    client_id = given.get("client_id", "")
    if NUL in client_id:
        return None
    return (
        OAuthApplication.objects.filter(client_id=client_id, is_active=True).select_related("clinic").first()
    )


def _list_origins(application: OAuthApplication) -> list[str]:
    origins = []
    for uri in application.redirect_uris.split():
        parts = urlsplit(uri)
        # An app on the device takes whatever port is free when it asks.
        origins.append(f"http://{parts.hostname}:*" if parts.scheme == "http" else f"https://{parts.netloc}")
    return origins
