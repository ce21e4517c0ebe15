from django.urls import path

from portal.accounts.oauth import authorize, endpoints

urlpatterns = [
    path("oauth/authorize/", authorize.AuthorizeView.as_view(), name="oauth-authorize"),
    path("oauth/token/", endpoints.TokenView.as_view(), name="oauth-token"),
    path("oauth/revoke/", endpoints.RevokeView.as_view(), name="oauth-revoke"),
    path(".well-known/oauth-authorization-server", endpoints.MetadataView.as_view(), name="oauth-metadata"),
]
