"""What allauth offers and this site wants of it: no sign-up, no address book, GET and POST only.

The names of closed pages stay, since allauth asks for them; nobody finds anything there.
"""

from allauth.account.urls import urlpatterns as offered
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, re_path
from django.views.decorators.http import require_http_methods

CLOSED = "signup|email|confirm-email|password/set|login/code|reauthenticate"


def closed(_: HttpRequest) -> HttpResponse:
    raise Http404("This site has no such page.")


# Form views also take PUT, as if it were POST.
by_form = require_http_methods(["GET", "HEAD", "POST"])

urlpatterns = [
    re_path(rf"^(?:{CLOSED})(?:/.*)?$", closed, name="account-closed"),
    *(URLPattern(o.pattern, by_form(o.callback), o.default_args, o.name) for o in offered),
]
