"""Addresses of OAuth 2."""

from django.urls import path

from portal.trust.accounts.oauth import views

urlpatterns = [
    path("oauth/authorize/", views.AuthorizeView.as_view(), name="oauth-authorize"),
    path("oauth/token/", views.TokenView.as_view(), name="oauth-token"),
    path("oauth/revoke/", views.RevokeView.as_view(), name="oauth-revoke"),
    path(".well-known/oauth-authorization-server", views.MetadataView.as_view(), name="oauth-metadata"),
]
