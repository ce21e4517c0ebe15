"""Security headers: keep no patient's page, share nothing, use no sensor."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

LOG_OUT_PATH = "/accounts/logout/"


class NoStoreMiddleware:
    """Mark every answer to a logged-in person as not to be stored, unless it says otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated and "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-store"
        if request.path == LOG_OUT_PATH and request.method == "POST":
            # The next person at a shared machine must not find pictures in the browser's cache, nor a
            # draft on its disk (classifier/pages/new_submission.py).
            response["Clear-Site-Data"] = '"cache", "storage"'
        return response


class IsolationHeadersMiddleware:
    """Let no other site embed or read an answer, and no page use what the portal doesn't need.

    Outermost, so that errors, redirects and static files carry it too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = ", ".join(f"{name}=({who})" for name, who in settings.PERMISSIONS_POLICY.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", self.policy)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response
