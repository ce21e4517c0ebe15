"""Addresses that allauth offers and this site doesn't: people are added by their clinic.

Their names stay, since allauth asks for them; nobody finds anything there.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import re_path

CLOSED = "signup|email|confirm-email|password/set|login/code|reauthenticate"


def closed(_: HttpRequest) -> HttpResponse:
    raise Http404("This site has no such page.")


urlpatterns = [re_path(rf"^(?:{CLOSED})(?:/.*)?$", closed, name="account-closed")]
