"""No address takes a token without saying which scope it asks for."""

from django.urls import get_resolver
from rest_framework.views import APIView

from classifier.api.authentication import BearerAuthentication
from portal.trust.accounts.tokens.scopes import ANY_TOKEN, METHODS, SCOPES
from tests.permissions.calling import walk


def token_views():
    """Every view of the site that takes tokens, with its address's name."""
    for pattern in walk(get_resolver().url_patterns):
        made = getattr(pattern.callback, "cls", None)
        if made is None or not issubclass(made, APIView):
            continue
        view = made(**pattern.callback.initkwargs)
        view.request = None
        if any(isinstance(one, BearerAuthentication) for one in view.get_authenticators()):
            yield pattern.name, view


def takes(view, method):
    return hasattr(view, method.lower()) and method.lower() in view.http_method_names


def test_every_view_that_takes_tokens_states_its_scopes():
    wrong = []
    for name, view in token_views():
        stated = getattr(view, "scopes", {})
        for method in METHODS:
            is_open = name == "api-token" and method == "POST"  # takes a password, no token
            if takes(view, method) and not is_open and method not in stated:
                wrong.append(f"{method} {name} states no scope")
        wrong += [
            f"{name}: unknown scope {one}" for one in stated.values() if one not in {*SCOPES, ANY_TOKEN}
        ]
    assert not wrong, "\n".join(wrong)


def test_the_check_of_views_sees_them():
    assert len(list(token_views())) > 10
